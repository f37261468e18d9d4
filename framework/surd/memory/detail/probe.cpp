#include "surd/memory/detail/probe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "surd/memory/limits.hpp"

namespace surd::memory::detail {
namespace {

/// A small file that is read again and again. Unreadable files read as empty.
class Reread {
 public:
  explicit Reread(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  Reread(Reread&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  Reread& operator=(Reread&&) = delete;
  ~Reread() {
    if (file_ >= 0) ::close(file_);
  }

  [[nodiscard]] std::string_view read() const noexcept {
    static thread_local std::array<char, 8192> buffer;
    const auto count = file_ < 0 ? 0 : ::pread(file_, buffer.data(), buffer.size(), 0);
    return {buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
  }

 private:
  int file_;
};

std::uint64_t number_at_front(std::string_view text) noexcept {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// The number behind `key` and a blank, of a text of such lines; 0 if there is none.
std::uint64_t number_of(std::string_view text, std::string_view key) noexcept {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return number_at_front(line.substr(key.size() + 1));
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return 0;
}

/// A cgroup with a limit.
struct Group {
  std::uint64_t limit;
  Reread current;
  Reread stat;
  std::string_view cache;  ///< The line of `stat`: v1 has one more without the groups below.

  [[nodiscard]] std::uint64_t used() const noexcept {
    const auto all = number_at_front(current.read());
    const auto droppable = number_of(stat.read(), cache);
    return all > droppable ? all - droppable : 0;
  }
};

std::vector<Group> find_groups(const std::string& root) {
  const auto prefix = root == "/" ? std::string() : root;
  std::vector<Group> groups;
  for (const auto& limit : find_limits(root)) {
    const bool v2 = limit.source.starts_with("cgroup v2 ");
    if (!v2 && !limit.source.starts_with("cgroup v1 ")) continue;
    const auto path = limit.source.substr(std::string_view("cgroup v2 ").size());
    const auto folder = prefix + path.substr(0, path.rfind('/') + 1);
    groups.push_back({limit.bytes, Reread(folder + (v2 ? "memory.current" : "memory.usage_in_bytes")),
                      Reread(folder + "memory.stat"), v2 ? "inactive_file" : "total_inactive_file"});
  }
  return groups;
}

class DefaultProbe {
 public:
  explicit DefaultProbe(const std::string& root)
      : statm_((root == "/" ? std::string() : root) + "/proc/self/statm"),
        page_bytes_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))),
        groups_(find_groups(root)),
        baseline_(resident()) {}

  [[nodiscard]] Pressure::Reading read() const noexcept {
    Pressure::Reading reading;
    const auto now = resident();
    reading.resident = now > baseline_ ? now - baseline_ : 0;
    for (const auto& group : groups_) {
      const auto used = group.used();
      const auto share = [](std::uint64_t part, std::uint64_t whole) {
        return static_cast<double>(part) / static_cast<double>(whole);
      };
      if (reading.group_limit == 0 ||
          share(used, group.limit) > share(reading.group_used, reading.group_limit)) {
        reading.group_used = used;
        reading.group_limit = group.limit;
      }
    }
    return reading;
  }

 private:
  /// "size resident ...", in pages.
  [[nodiscard]] std::uint64_t resident() const noexcept {
    const auto text = statm_.read();
    const auto blank = text.find(' ');
    return blank == text.npos ? 0 : number_at_front(text.substr(blank + 1)) * page_bytes_;
  }

  Reread statm_;
  std::uint64_t page_bytes_;
  std::vector<Group> groups_;
  std::uint64_t baseline_;
};

}  // namespace

Pressure::Probe make_probe(const std::string& root) {
  return [probe = std::make_shared<const DefaultProbe>(root)] { return probe->read(); };
}

}  // namespace surd::memory::detail
