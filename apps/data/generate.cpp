#include "generate.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace data {
namespace {

using surd::base::RandomStream;

/// A file written a mebibyte at a time.
class Sink {
 public:
  explicit Sink(const surd::storage::Path& path)
      : file_(surd::storage::local_file_system().create(path, surd::storage::Access::streaming)) {
    buffer_.reserve(capacity + (1U << 16));
  }

  [[nodiscard]] fmt::memory_buffer& buffer() {
    if (buffer_.size() >= capacity) flush();
    return buffer_;
  }
  void put(const void* data, std::size_t bytes) {
    const auto* first = static_cast<const char*>(data);
    buffer().append(first, first + bytes);
  }
  [[nodiscard]] std::uint64_t bytes() const { return written_ + buffer_.size(); }

  void close() {
    flush();
    file_->close();
  }

 private:
  static constexpr std::size_t capacity = 1U << 20;

  void flush() {
    file_->append(std::as_bytes(std::span(buffer_.data(), buffer_.size())));
    written_ += buffer_.size();
    buffer_.clear();
  }

  std::unique_ptr<surd::storage::WritableFile> file_;
  fmt::memory_buffer buffer_;
  std::uint64_t written_ = 0;
};

bool more(const Amount& amount, std::uint64_t rows, std::uint64_t bytes) {
  return amount.rows > 0 ? rows < amount.rows : bytes < amount.bytes;
}

std::uint64_t rows_of(const Amount& amount, std::uint64_t row_bytes) {
  return amount.rows > 0 ? amount.rows : (amount.bytes + row_bytes - 1) / row_bytes;
}

constexpr std::array<std::string_view, 5> stores = {"Berlin", "Lyon", "Oslo", "Porto", "Turin"};
constexpr std::array<std::string_view, 4> states = {"completed", "pending", "cancelled", "returned"};
constexpr std::array<std::string_view, 6> notes = {
    "", "", "gift", "\"fragile, do not drop\"", "\"said \"\"leave at door\"\"\"", "\"two\nlines\""};

/// "2026-03-14T15:09:26", `second` seconds into a year of months of 30 days.
void put_time(fmt::memory_buffer& out, std::uint64_t second) {
  const auto day = second / 86400;
  fmt::format_to(std::back_inserter(out), "2026-{:02}-{:02}T{:02}:{:02}:{:02}", day / 30 % 12 + 1,
                 day % 30 + 1, second / 3600 % 24, second / 60 % 60, second % 60);
}

/// Most orders are completed.
std::string_view state_of(RandomStream& random) {
  const auto roll = random.below(10);
  return roll < 7 ? states[0] : states[roll - 6];
}

}  // namespace

void sales(const surd::storage::Path& path, const Amount& amount) {
  Sink sink(path);
  RandomStream random(amount.seed, 1);
  const std::string_view head = "order,time,store,product,status,price,quantity,note\n";
  sink.put(head.data(), head.size());
  for (std::uint64_t row = 0; more(amount, row, sink.bytes()); ++row) {
    auto& out = sink.buffer();
    fmt::format_to(std::back_inserter(out), "{},", row + 1);
    put_time(out, row * 7 % 31'104'000);
    const auto product = draw_zipf(0.8, 1000, random);
    fmt::format_to(std::back_inserter(out), ",{},product-{:04},{},", stores[random.below(stores.size())],
                   product, state_of(random));
    const auto cents = 100 + (product * 7919 + random.below(500)) % 99'900;
    if (random.below(200) != 0) fmt::format_to(std::back_inserter(out), "{}.{:02}", cents / 100, cents % 100);
    const auto note = random.below(20) < 15 ? 0 : random.below(notes.size());
    fmt::format_to(std::back_inserter(out), ",{},{}\n", 1 + random.below(9), notes[note]);
  }
  sink.close();
}

void log(const surd::storage::Path& path, const Amount& amount) {
  constexpr std::array<std::string_view, 4> methods = {"GET", "GET", "GET", "POST"};
  constexpr std::array<int, 8> statuses = {200, 200, 200, 200, 200, 304, 404, 500};
  Sink sink(path);
  RandomStream random(amount.seed, 2);
  for (std::uint64_t row = 0; more(amount, row, sink.bytes()); ++row) {
    auto& out = sink.buffer();
    fmt::format_to(std::back_inserter(out), R"({{"time": ")");
    put_time(out, row / 50);
    const auto page = draw_zipf(1, 10'000, random);
    const auto status = statuses[random.below(statuses.size())];
    fmt::format_to(
        std::back_inserter(out),
        R"(", "host": "10.0.{}.{}", "method": "{}", "path": "/page/{}", "status": {}, "bytes": {})",
        random.below(4), random.below(256), methods[random.below(methods.size())], page, status,
        200 + random.below(50'000));
    if (status != 304)
      fmt::format_to(std::back_inserter(out), R"(, "ms": {}.{})", random.below(900), random.below(10));
    fmt::format_to(std::back_inserter(out), "}}\n");
  }
  sink.close();
}

void records(const surd::storage::Path& path, const Amount& amount, Distribution keys) {
  constexpr std::size_t record_bytes = 100;
  Sink sink(path);
  RandomStream random(amount.seed, 3);
  const auto rows = rows_of(amount, record_bytes);
  std::array<char, record_bytes> record{};
  for (std::uint64_t row = 0; row < rows; ++row) {
    auto key = draw(keys, row, rows, random);
    for (std::size_t i = 10; i-- > 0;) {  // ten digits to the base 95, most significant first
      record[i] = static_cast<char>(' ' + key % 95);
      key /= 95;
    }
    fmt::format_to(record.data() + 10, "{:032}", row);
    const auto letter = static_cast<char>('A' + row % 26);
    std::fill(record.begin() + 42, record.end() - 1, letter);
    record.back() = '\n';
    sink.put(record.data(), record.size());
  }
  sink.close();
}

void numbers(const surd::storage::Path& path, const Amount& amount, Distribution keys) {
  Sink sink(path);
  RandomStream random(amount.seed, 4);
  const auto rows = rows_of(amount, sizeof(std::uint64_t));
  for (std::uint64_t row = 0; row < rows; ++row) {
    const auto key = draw(keys, row, rows, random);
    sink.put(&key, sizeof key);
  }
  sink.close();
}

void pairs(const surd::storage::Path& path, const Amount& amount, std::uint64_t keys, double exponent) {
  Sink sink(path);
  RandomStream random(amount.seed, 5);
  const auto rows = rows_of(amount, 2 * sizeof(std::uint64_t));
  for (std::uint64_t row = 0; row < rows; ++row) {
    const auto key = exponent > 0 ? draw_zipf(exponent, keys, random) : random.below(keys);
    const std::array<std::uint64_t, 2> record{key, random.below(1000)};
    sink.put(record.data(), sizeof record);
  }
  sink.close();
}

}  // namespace data
