#include "check.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/hash.hpp"

namespace data {
namespace {

std::ifstream open(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw surd::base::UsageError(path + ": cannot be opened");
  return in;
}

/// Reads whole records; `use(record, number)`. Returns how many.
template <class Use>
std::uint64_t for_each_record(const std::string& path, std::uint32_t bytes, Use use) {
  auto in = open(path);
  std::string block(std::size_t{4096} * bytes, '\0');
  std::uint64_t number = 0;
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
    const auto size = static_cast<std::size_t>(in.gcount());
    for (std::size_t at = 0; at + bytes <= size; at += bytes)
      use(std::string_view(block).substr(at, bytes), number++);
    if (size % bytes != 0)
      throw surd::base::UsageError(fmt::format("{}: ends in the middle of a record", path));
  }
  return number;
}

std::uint64_t key_number(std::string_view key) {
  std::uint64_t value = 0;
  std::memcpy(&value, key.data(), std::min(sizeof value, key.size()));
  return value;
}

/// Fields of the next row of a CSV file; false at its end.
bool next_row(std::istream& in, std::vector<std::string>& fields) {
  fields.assign(1, "");
  bool quoted = false;
  bool any = false;
  for (int c = in.get(); c != std::char_traits<char>::eof(); c = in.get()) {
    any = true;
    if (c == '"') {
      if (quoted && in.peek() == '"') {
        fields.back() += static_cast<char>(in.get());
      } else {
        quoted = !quoted;
      }
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c == '\n' && !quoted) {
      return true;
    } else if (c != '\r' || quoted) {
      fields.back() += static_cast<char>(c);
    }
  }
  return any;
}

/// The value after "key": in a line of the generator's JSON; empty if it has none.
std::string json_value(const std::string& line, const std::string& key) {
  const auto at = line.find('"' + key + "\": ");
  if (at == std::string::npos) return {};
  auto begin = at + key.size() + 4;
  const bool text = line[begin] == '"';
  begin += text ? 1 : 0;
  return line.substr(begin, line.find_first_of(text ? "\"" : ",}", begin) - begin);
}

bool same(const std::string& a, const std::string& b) {
  if (a == b) return true;
  double x = 0;
  double y = 0;
  const auto [end_a, error_a] = std::from_chars(a.data(), a.data() + a.size(), x);
  const auto [end_b, error_b] = std::from_chars(b.data(), b.data() + b.size(), y);
  const bool numbers = error_a == std::errc() && error_b == std::errc() && end_a == a.data() + a.size() &&
                       end_b == b.data() + b.size();
  return numbers && std::abs(x - y) <= 1e-9 * std::max(std::abs(x), std::abs(y));
}

}  // namespace

std::string check_sorted(const std::vector<std::string>& inputs, const std::string& sorted,
                         std::uint32_t record_bytes, std::uint32_t key_offset, std::uint32_t key_bytes,
                         bool number) {
  std::uint64_t rows_in = 0;
  std::uint64_t sum_in = 0;
  for (const auto& input : inputs) {
    rows_in += for_each_record(input, record_bytes,
                               [&](std::string_view r, std::uint64_t) { sum_in += surd::base::hash64(r); });
  }
  std::uint64_t sum_out = 0;
  std::string last;
  std::string wrong;
  const auto rows_out =
      for_each_record(sorted, record_bytes, [&](std::string_view record, std::uint64_t row) {
        sum_out += surd::base::hash64(record);
        const auto key = record.substr(key_offset, key_bytes);
        const bool descends = row > 0 && (number ? key_number(key) < key_number(last) : key < last);
        if (descends && wrong.empty())
          wrong = fmt::format("record {} is smaller than the one before it", row);
        last = key;
      });
  if (!wrong.empty()) return wrong;
  if (rows_in != rows_out) return fmt::format("{} records went in, {} came out", rows_in, rows_out);
  return sum_in == sum_out ? "" : "records were changed: the checksums of input and output differ";
}

void expect_sales(const std::vector<std::string>& inputs, const std::string& output) {
  struct Product {
    long double revenue = 0;
    std::uint64_t orders = 0;
    double largest = 0;
  };
  std::map<std::string, Product> products;
  for (const auto& input : inputs) {
    auto in = open(input);
    std::vector<std::string> row;
    (void)next_row(in, row);
    while (next_row(in, row)) {
      if (row[4] != "completed" || row[5].empty()) continue;
      const auto price = std::stod(row[5]);
      auto& product = products[row[3]];
      product.revenue += static_cast<long double>(price * std::stod(row[6]));
      product.orders += 1;
      product.largest = std::max(product.largest, price);
    }
  }
  std::vector<std::pair<std::string, Product>> rows(products.begin(), products.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second.revenue > b.second.revenue; });
  rows.resize(std::min<std::size_t>(rows.size(), 10));
  std::ofstream out(output);
  out << "product,revenue,orders,largest\n";
  for (const auto& [name, product] : rows) {
    out << fmt::format("{},{},{},{}\n", name, static_cast<double>(product.revenue), product.orders,
                       product.largest);
  }
}

void expect_log(const std::vector<std::string>& inputs, const std::string& output) {
  struct Page {
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;
    long double ms = 0;
    std::uint64_t timed = 0;
  };
  std::map<std::string, Page> pages;
  for (const auto& input : inputs) {
    auto in = open(input);
    for (std::string line; std::getline(in, line);) {
      const auto status = std::stoi(json_value(line, "status"));
      if (status < 400) continue;
      auto& page = pages[json_value(line, "path")];
      page.requests += 1;
      page.bytes += std::stoull(json_value(line, "bytes"));
      if (const auto ms = json_value(line, "ms"); !ms.empty()) {
        page.ms += std::stold(ms);
        page.timed += 1;
      }
    }
  }
  std::vector<std::pair<std::string, Page>> rows(pages.begin(), pages.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second.requests > b.second.requests; });
  rows.resize(std::min<std::size_t>(rows.size(), 20));
  std::ofstream out(output);
  out << "path,errors,bytes,ms\n";
  for (const auto& [path, page] : rows) {
    out << fmt::format("{},{},{},{}\n", path, page.requests, page.bytes,
                       static_cast<double>(page.ms / static_cast<long double>(page.timed)));
  }
}

std::string check_equal(const std::string& found, const std::string& expected) {
  auto a = open(found);
  auto b = open(expected);
  std::vector<std::string> x;
  std::vector<std::string> y;
  for (std::uint64_t line = 1;; ++line) {
    const bool more_a = next_row(a, x);
    const bool more_b = next_row(b, y);
    if (!more_a && !more_b) return "";
    if (more_a != more_b) return fmt::format("row {}: only {} has it", line, more_a ? found : expected);
    if (x.size() != y.size()) return fmt::format("row {}: {} fields, expected {}", line, x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!same(x[i], y[i]))
        return fmt::format("row {}, field {}: '{}', expected '{}'", line, i + 1, x[i], y[i]);
    }
  }
}

}  // namespace data
