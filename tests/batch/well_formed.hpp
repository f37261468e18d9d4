// A strict reader of tags, for tests of pages and drawings.
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace surd::tests {

/// Empty if every tag of `text` is closed in order, every attribute quoted, every '&' an entity and every '<'
/// a tag; else what is wrong. <meta> and <!DOCTYPE> need no end; <style> holds anything.
class WellFormed {
 public:
  static std::string problem(std::string_view text) { return WellFormed(text).read(); }

 private:
  explicit WellFormed(std::string_view text) : text_(text) {}

  std::string read() {
    while (at_ < text_.size()) {
      if (text_[at_] == '&' && !entity()) return here("'&' that starts no entity");
      if (text_[at_] != '<') {
        ++at_;
        continue;
      }
      const auto wrong = tag();
      if (!wrong.empty()) return here(wrong);
    }
    return open_.empty() ? "" : "<" + open_.back() + "> is never closed";
  }

  bool entity() {
    const auto end = text_.find(';', at_);
    if (end == std::string_view::npos) return false;
    const auto name = text_.substr(at_ + 1, end - at_ - 1);
    return name == "amp" || name == "lt" || name == "gt" || name == "quot" || name == "#39";
  }

  std::string tag() {
    if (text_.substr(at_, 2) == "<!") {
      at_ = text_.find('>', at_) + 1;
      return "";
    }
    const bool ends = text_.substr(at_, 2) == "</";
    at_ += ends ? 2 : 1;
    const auto name = word();
    if (name.empty()) return "'<' that starts no tag";
    if (ends) {
      if (open_.empty() || open_.back() != name) return "</" + name + "> closes nothing";
      open_.pop_back();
      return text_[at_++] == '>' ? "" : "an end tag with attributes";
    }
    const auto wrong = attributes();
    if (!wrong.empty()) return wrong;
    const bool empty = text_[at_] == '/';
    at_ += empty ? 2 : 1;
    if (!empty && name != "meta") open_.push_back(name);
    if (name == "style") at_ = text_.find("</style>", at_);
    return "";
  }

  std::string attributes() {
    while (at_ < text_.size() && text_[at_] == ' ') {
      ++at_;
      if (word().empty() || text_.substr(at_, 2) != "=\"") return "an attribute without a quoted value";
      for (at_ += 2; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '<' || (text_[at_] == '&' && !entity())) return "an attribute that is not escaped";
      }
      ++at_;
    }
    const auto rest = text_.substr(at_, 2);
    return rest == "/>" || rest.substr(0, 1) == ">" ? "" : "a tag that does not end";
  }

  std::string word() {
    const auto start = at_;
    const auto belongs = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == ':';
    };
    while (at_ < text_.size() && belongs(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  [[nodiscard]] std::string here(const std::string& what) const {
    return what + " near: " + std::string(text_.substr(at_ < 60 ? 0 : at_ - 60, 120));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;
};

}  // namespace surd::tests
