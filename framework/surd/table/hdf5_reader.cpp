#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/table/detail/hdf5_table.hpp"
#include "surd/table/detail/record_input.hpp"

namespace surd::table::detail {
namespace {

using storage::detail::checked;
using storage::detail::H5Scoped;
using storage::detail::made;

/// Where the library puts texts of variable length: memory that does not grow. Texts of a batch lie one
/// behind the other and are given up together.
class TextArena {
 public:
  void allocate(std::size_t bytes) { memory_.resize(bytes); }
  void clear() noexcept { used_ = 0, full_ = false; }
  [[nodiscard]] bool full() const noexcept { return full_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return memory_.size(); }

  void use_in(const storage::Path& path, hid_t transfer) {
    checked(path, "H5Pset_vlen_mem_manager",
            [&] { return H5Pset_vlen_mem_manager(transfer, take, this, give_back, this); });
  }

 private:
  static void* take(std::size_t bytes, void* arena) {
    auto& mine = *static_cast<TextArena*>(arena);
    mine.full_ = mine.full_ || mine.memory_.size() - mine.used_ < bytes;
    if (mine.full_) return nullptr;  // the library gives up reading, and less is read then
    auto* const memory = mine.memory_.data() + mine.used_;
    mine.used_ += bytes;
    return memory;
  }
  static void give_back(void*, void*) {}

  std::vector<char> memory_;
  std::size_t used_ = 0;
  bool full_ = false;
};

/// A dataset and what of its records becomes columns.
struct Part {
  H5Scoped data;
  H5Scoped type;      ///< In memory.
  hsize_t width = 1;  ///< Values of a record in the file: columns of a dataset of two dimensions, else 1.
  bool matrix = false;
  std::size_t record_bytes = 0;
  std::vector<std::pair<std::size_t, RecordField>> fields = {};  ///< Column and where it lies in a record.
  H5Scoped nulls{-1};
};

class Hdf5Reader final : public BatchReader {
 public:
  Hdf5Reader(const H5Table& table, const Split& split, std::vector<bool> columns, OnBadRow on_bad_row,
             storage::FileSystem& files, memory::Budget& budget, std::uint64_t memory_bytes)
      : table_(table),
        columns_(std::move(columns)),
        files_(files),
        path_(table.file.path),
        next_(split.begin),
        end_(split.end),
        file_((check_unchanged(table.file, files), storage::H5File::open(table.file.path))),
        transfer_(transfer_list(path_)),
        bad_rows_(on_bad_row) {
    bound_metadata(file_, path_);
    texts_.use_in(path_, transfer_);
    add_parts();
    reserve(budget, memory_bytes);
  }

  bool next(Batch& into) override {
    if (next_ >= end_) {
      if (!std::exchange(checked_, true)) check_unchanged(table_.file, files_);
      into.rows = 0;
      for (auto& column : into.columns) column.clear(column.type);
      return false;
    }
    auto rows = std::min<std::uint64_t>(batch_rows_, end_ - next_);
    while (!read_rows(rows, into)) {
      if (rows == 1) fail_long_text();
      rows = batch_rows_ = (rows + 1) / 2;
    }
    into.rows = rows;
    if (!bad_.empty()) drop_bad(into);
    next_ += rows;
    return true;
  }

  std::vector<BadRow> take_bad_rows() override { return bad_rows_.take(); }
  std::uint64_t bad_rows() const noexcept override { return bad_rows_.count(); }

 private:
  H5Scoped open_dataset(const std::string& name, hid_t access) {
    return made(path_, "H5Dopen2", [&] { return H5Dopen2(file_.native(), name.c_str(), access); });
  }

  /// Of the chunks of a dataset, 0 if it has none.
  std::size_t chunk_bytes(const std::string& name) {
    const auto data = open_dataset(name, H5P_DEFAULT);
    const auto list = made(path_, "H5Dget_create_plist", [&] { return H5Dget_create_plist(data); });
    if (H5Pget_layout(list) != H5D_CHUNKED) return 0;
    hsize_t chunk[2] = {1, 1};
    checked(path_, "H5Pget_chunk", [&] { return H5Pget_chunk(list, 2, chunk); });
    const auto type = made(path_, "H5Dget_type", [&] { return H5Dget_type(data); });
    return static_cast<std::size_t>(chunk[0] * chunk[1]) * H5Tget_size(type);
  }

  /// Opens a dataset with room for one of its chunks.
  H5Scoped open_dataset(const std::string& name) {
    const auto bytes = chunk_bytes(name);
    cache_bytes_ += bytes;
    chunk_bytes_ = std::max<std::uint64_t>(chunk_bytes_, bytes);
    const auto access = made(path_, "H5Pcreate", [] { return H5Pcreate(H5P_DATASET_ACCESS); });
    checked(path_, "H5Pset_chunk_cache", [&] { return H5Pset_chunk_cache(access, 1, bytes, 1.0); });
    return open_dataset(name, access);
  }

  void add_parts() {
    if (std::find(columns_.begin(), columns_.end(), true) == columns_.end()) return;
    if (table_.layout == H5Layout::array) return add_array();
    if (table_.layout == H5Layout::compound) return add_compound();
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      if (columns_[k]) add_column(k);
    }
  }

  void add_array() {
    Part part{open_dataset(table_.object), memory_type(table_, table_.columns[0])};
    const auto space = made(path_, "H5Dget_space", [&] { return H5Dget_space(part.data); });
    part.matrix = H5Sget_simple_extent_ndims(space) == 2;
    part.width = table_.columns.size();
    part.record_bytes = table_.record_bytes;
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      if (columns_[k]) part.fields.emplace_back(k, table_.columns[k].field);
    }
    parts_.push_back(std::move(part));
  }

  /// The members that are needed, one behind the other.
  void add_compound() {
    std::vector<std::pair<std::size_t, RecordField>> fields;
    std::size_t record_bytes = 0;
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      if (!columns_[k]) continue;
      fields.emplace_back(k, table_.columns[k].field);
      fields.back().second.offset = record_bytes;
      record_bytes += fields.back().second.bytes;
    }
    auto type = made(path_, "H5Tcreate", [&] { return H5Tcreate(H5T_COMPOUND, record_bytes); });
    for (const auto& [k, field] : fields) {
      const auto member = memory_type(table_, table_.columns[k]);
      const auto* const name = table_.columns[k].link.c_str();
      checked(path_, "H5Tinsert",
              [&, offset = field.offset] { return H5Tinsert(type, name, offset, member); });
    }
    parts_.push_back(
        {open_dataset(table_.object), std::move(type), 1, false, record_bytes, std::move(fields)});
  }

  void add_column(std::size_t k) {
    const auto& column = table_.columns[k];
    const auto group = table_.object + "/";
    parts_.push_back({open_dataset(group + column.link),
                      memory_type(table_, column),
                      1,
                      false,
                      column.field.bytes,
                      {{k, column.field}},
                      column.nulls.empty() ? H5Scoped(-1) : open_dataset(group + column.nulls)});
  }

  /// Chunks, and what is in a batch three times: as read, texts, as columns.
  void reserve(memory::Budget& budget, std::uint64_t memory_bytes) {
    std::uint64_t row_bytes = 1;
    std::size_t record_bytes = 1;
    bool variable = false;
    for (const auto& part : parts_) {
      record_bytes = std::max(record_bytes, part.record_bytes);
      row_bytes += part.record_bytes;
      for (const auto& [k, field] : part.fields) {
        if (!table_.columns[k].variable) continue;
        row_bytes += text_guess_bytes;
        variable = true;
      }
    }
    const auto held = cache_bytes_ + chunk_bytes_;  // the largest twice, while it is unpacked
    const auto least = held + 4 * row_bytes + (variable ? 16 * base::KiB : 0);
    const auto wanted = std::max({memory_bytes, held + memory_bytes / 2, least});
    reservation_ = budget.reserve(least, wanted, "reading " + table_.file.path);
    batch_rows_ = batch_rows(reservation_.bytes() - held, row_bytes);
    batch_rows_ = std::min<std::uint64_t>(batch_rows_, std::max<std::uint64_t>(end_ - next_, 1));
    buffer_.resize(batch_rows_ * record_bytes);
    if (variable) texts_.allocate((reservation_.bytes() - held) / 4);
  }

  /// False: the texts of so many rows do not fit.
  bool read_rows(std::uint64_t rows, Batch& into) {
    bad_.clear();
    texts_.clear();
    into.columns.resize(table_.columns.size());
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      if (!columns_[k]) into.columns[k].clear(type_of(table_.columns[k].field.kind));
    }
    for (const auto& part : parts_) {
      if (!read_values(part.data, part.type, part.matrix ? part.width : 0, rows, buffer_.data()))
        return false;
      nulls_.clear();
      if (part.nulls >= 0) {
        nulls_.resize(rows);
        read_values(part.nulls, H5T_NATIVE_UINT8, 0, rows, nulls_.data());
      }
      for (const auto& [k, field] : part.fields) {
        if (table_.columns[k].variable) {
          take_texts(field, part.record_bytes, rows, into.columns[k]);
        } else {
          decode(field, k, buffer_.data(), part.record_bytes, rows, into.columns[k], bad_);
        }
        set_nulls(into.columns[k]);
      }
    }
    return true;
  }

  /// Rows from next_ on. `width` 0: of a dataset of one dimension. False: its texts do not fit.
  bool read_values(hid_t data, hid_t type, hsize_t width, std::uint64_t rows, void* into) {
    const hsize_t start[2] = {next_, 0};
    const hsize_t count[2] = {rows, width};
    const hsize_t values = rows * std::max<hsize_t>(width, 1);
    if (values == 0) return true;
    const auto space = made(path_, "H5Dget_space", [&] { return H5Dget_space(data); });
    checked(path_, "H5Sselect_hyperslab",
            [&] { return H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr); });
    const auto memory =
        made(path_, "H5Screate_simple", [&] { return H5Screate_simple(1, &values, nullptr); });
    const storage::detail::QuietHdf5 quiet;
    if (H5Dread(data, type, memory, space, transfer_, into) >= 0) return true;
    if (texts_.full()) return false;
    throw base::IoError(fmt::format("{}:{}: cannot read rows {} to {}: {}", path_.native(), table_.object,
                                    next_, next_ + rows, storage::detail::hdf5_message()),
                        0);
  }

  void take_texts(const RecordField& field, std::size_t stride, std::uint64_t rows, Column& into) {
    into.clear(Type::text);
    const auto* at = buffer_.data() + field.offset;
    for (std::uint64_t i = 0; i < rows; ++i, at += stride) {
      const char* text = nullptr;
      std::memcpy(&text, at, sizeof text);
      const bool absent = text == nullptr || (!nulls_.empty() && nulls_[i] != 0);
      into.push_text(absent ? std::string_view() : std::string_view(text));
    }
  }

  void set_nulls(Column& column) const {
    if (std::all_of(nulls_.begin(), nulls_.end(), [](std::uint8_t null) { return null == 0; })) return;
    column.nulls.assign(nulls_.begin(), nulls_.end());
    for (std::size_t i = 0; i < nulls_.size(); ++i) {
      column.nulls[i] = nulls_[i] != 0;
      if (nulls_[i] != 0 && !column.integers.empty()) column.integers[i] = 0;
      if (nulls_[i] != 0 && !column.numbers.empty()) column.numbers[i] = 0;
    }
  }

  [[noreturn]] void fail_long_text() const {
    throw base::UsageError(
        fmt::format("{}:{}, row {}: its texts have more than {} bytes, which is all that they may take; give "
                    "the job more "
                    "memory",
                    path_.native(), table_.object, next_, texts_.bytes()));
  }

  void drop_bad(Batch& batch) {
    std::stable_sort(bad_.begin(), bad_.end(),
                     [](const BadValue& a, const BadValue& b) { return a.row < b.row; });
    for (std::size_t i = 0; i < bad_.size(); ++i) {
      if (i > 0 && bad_[i].row == bad_[i - 1].row) continue;
      BadRow row;
      row.file = path_.native() + ":" + table_.object;
      row.offset = next_ + bad_[i].row;
      row.line = row.offset + 1;
      row.line_is_exact = true;
      row.column = table_.columns[bad_[i].column].field.name;
      row.reason = bad_[i].reason;
      bad_rows_.add(std::move(row));
    }
    drop_bad_rows(bad_, batch);
  }

  const H5Table& table_;
  std::vector<bool> columns_;
  storage::FileSystem& files_;
  storage::Path path_;
  std::uint64_t next_;  ///< Row.
  std::uint64_t end_;
  storage::H5File file_;
  H5Scoped transfer_;
  TextArena texts_;
  std::vector<Part> parts_;
  std::uint64_t cache_bytes_ = 0;
  std::uint64_t chunk_bytes_ = 0;
  memory::Reservation reservation_;
  std::uint64_t batch_rows_ = 1;
  std::vector<std::byte> buffer_;
  std::vector<std::uint8_t> nulls_;
  std::vector<BadValue> bad_;
  BadRowLog bad_rows_;
  bool checked_ = false;
};

}  // namespace

std::unique_ptr<BatchReader> read_table(const H5Table& table, const Split& split, std::vector<bool> columns,
                                        OnBadRow on_bad_row, storage::FileSystem& files,
                                        memory::Budget& budget, std::uint64_t memory_bytes) {
  return std::make_unique<Hdf5Reader>(table, split, std::move(columns), on_bad_row, files, budget,
                                      memory_bytes);
}

}  // namespace surd::table::detail
