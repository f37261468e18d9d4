#include "surd/batch/yaml.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "surd/batch/detail/yaml_scalar.hpp"

namespace surd::batch {
namespace {

using base::Json;

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

/// What a copy of `node` costs in memory, roughly.
std::size_t weight(const Json& node) {
  std::size_t sum = 32;
  if (node.is_string()) sum += node.get_ref<const std::string&>().size();
  if (node.is_array()) {
    for (const auto& item : node) sum += weight(item);
  }
  if (node.is_object()) {
    for (const auto& item : node.items()) sum += item.key().size() + weight(item.value());
  }
  return sum;
}

/// Builds the document from yaml-cpp's events, or finds the place of `wanted` among them.
class Builder : public YAML::EventHandler {
 public:
  Builder() = default;
  Builder(std::string wanted, bool of_key) : wanted_(std::move(wanted)), of_key_(of_key), locating_(true) {}

  [[nodiscard]] Json take() { return std::move(root_); }
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] Place found() const { return found_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (complete_)
      throw YamlError(place_of(mark), "a second document begins here; a job file is one document");
  }
  void OnDocumentEnd() override { complete_ = true; }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (expects_key()) throw YamlError(place_of(mark), "a key must be a text");
    enter(mark);
    note(mark, !of_key_);
    finish(Json(nullptr), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (value.find('\0') != std::string::npos)
      throw YamlError(place_of(mark), "a text with the character NUL");
    if (expects_key()) return take_key(mark, value);
    enter(mark);
    note(mark, !of_key_);
    finish(detail::resolve_scalar(place_of(mark), tag, value), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (expects_key()) throw YamlError(place_of(mark), "a key must be a text, not an alias");
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end())
      throw YamlError(place_of(mark), "an alias stands inside the value it refers to");
    enter(mark);
    note(mark, !of_key_);
    spend(it->second);
    finish(Json(it->second), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Json::array());
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Json::object());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Json value;
    YAML::anchor_t anchor = 0;
    std::optional<std::string> key = std::nullopt;  ///< Of a map whose value comes next.
    std::size_t path_size = 0;
  };

  [[nodiscard]] bool expects_key() const {
    return !frames_.empty() && frames_.back().value.is_object() && !frames_.back().key;
  }

  void take_key(const YAML::Mark& mark, const std::string& key) {
    auto& frame = frames_.back();
    last_mark_ = mark;
    if (key == "<<")
      throw YamlError(place_of(mark), "merge keys (<<) are not part of YAML 1.2; write the keys out");
    if (frame.value.contains(key))
      throw YamlError(place_of(mark), fmt::format("the key '{}' is there twice", key));
    if (frame.value.size() >= yaml_keys_limit) {
      throw YamlError(place_of(mark), fmt::format("a map of more than {} keys", yaml_keys_limit));
    }
    frame.key = key;
    extend_path(key);
    note(mark, true);
  }

  /// A value begins: items of lists get their number as the end of the path.
  void enter(const YAML::Mark& mark) {
    last_mark_ = mark;
    if (frames_.empty() || !frames_.back().value.is_array()) return;
    extend_path(std::to_string(frames_.back().value.size()));
    note(mark, true);
  }

  void extend_path(const std::string& part) {
    if (!locating_) return;
    path_.resize(frames_.back().path_size);
    if (!path_.empty()) path_ += '.';
    path_ += part;
  }

  /// Remembers `mark` if the current path leads to the wanted one.
  void note(const YAML::Mark& mark, bool wanted_kind) {
    if (!locating_ || path_.empty() || !wanted_kind || path_.size() < found_size_) return;
    const bool leads = wanted_.compare(0, path_.size(), path_) == 0 &&
                       (wanted_.size() == path_.size() || wanted_[path_.size()] == '.');
    if (!leads) return;
    found_ = place_of(mark);
    found_size_ = path_.size();
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Json empty) {
    if (expects_key()) throw YamlError(place_of(mark), "a key must be a text, not a map or a list");
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw YamlError(place_of(mark), fmt::format("the tag {} is not known here", tag));
    }
    if (frames_.size() >= yaml_depth_limit) {
      throw YamlError(place_of(mark), fmt::format("nested deeper than {} levels", yaml_depth_limit));
    }
    enter(mark);
    frames_.push_back({std::move(empty), anchor, std::nullopt, path_.size()});
  }

  void close() {
    auto frame = std::move(frames_.back());
    frames_.pop_back();
    finish(std::move(frame.value), frame.anchor);
  }

  void finish(Json value, YAML::anchor_t anchor) {
    if (anchor != 0) {
      spend(value);
      anchors_[anchor] = value;
    }
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    auto& frame = frames_.back();
    if (frame.value.is_array()) {
      frame.value.push_back(std::move(value));
    } else {
      frame.value[*frame.key] = std::move(value);
      frame.key.reset();
    }
  }

  /// Counts a copy that an anchor or alias makes.
  void spend(const Json& copy) {
    spent_ += weight(copy);
    if (spent_ > yaml_alias_limit_bytes) throw YamlError(place_of(last_mark_), "aliases repeat too much");
  }

  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Json> anchors_;
  std::size_t spent_ = 0;
  YAML::Mark last_mark_ = YAML::Mark::null_mark();
  Json root_;
  bool complete_ = false;

  std::string wanted_;
  bool of_key_ = false;
  bool locating_ = false;
  std::string path_;
  std::size_t found_size_ = 0;
  Place found_;
};

/// @throws YamlError  at a byte that yaml-cpp or JSON could not carry.
void check_encoding(const std::string& text) {
  if (text.size() > yaml_text_limit_bytes) {
    throw YamlError(
        {}, fmt::format("{} bytes; a job file may have at most {}", text.size(), yaml_text_limit_bytes));
  }
  const auto bad = detail::first_bad_byte(text);
  if (bad == std::string::npos) return;
  const auto line_begin = bad == 0 ? std::string::npos : text.rfind('\n', bad - 1);
  const auto line = static_cast<std::size_t>(
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n'));
  const auto column = line_begin == std::string::npos ? bad : bad - line_begin - 1;
  throw YamlError({line + 1, column + 1},
                  fmt::format("the byte 0x{:02x} is no UTF-8 text", static_cast<unsigned char>(text[bad])));
}

void run(const std::string& text, Builder& builder) {
  std::istringstream stream(text);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& e) {
    throw YamlError(place_of(e.mark), "not YAML: " + e.msg);
  }
}

}  // namespace

Json parse_yaml(const std::string& text) {
  check_encoding(text);
  Builder builder;
  run(text, builder);
  if (!builder.complete()) throw YamlError({1, 1}, "the file is empty");
  return builder.take();
}

Place locate_yaml(const std::string& text, const std::string& path, bool of_key) {
  Builder builder(path, of_key);
  run(text, builder);
  return builder.found();
}

}  // namespace surd::batch
