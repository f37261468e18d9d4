#include "surd/mpi/communicator.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "surd/mpi/message.hpp"

namespace surd::mpi {
namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 30;

template <class T>
T reduce(MPI_Comm comm, T value, MPI_Datatype type, MPI_Op operation) {
  T result{};
  check(MPI_Allreduce(&value, &result, 1, type, operation, comm), "MPI_Allreduce");
  return result;
}

}  // namespace

void check(int rc, const char* call) {
  if (rc == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(rc, text.data(), &length);
  throw MpiError(
      fmt::format("{}: {}", call, std::string_view(text.data(), static_cast<std::size_t>(length))));
}

int count(std::size_t n) {
  if (n > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw MpiError(fmt::format("a message of {} items does not fit MPI's int count", n));
  }
  return static_cast<int>(n);
}

Communicator::Communicator(MPI_Comm owned) : comm_(owned) {
  check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
}

Communicator::Communicator(Communicator&& other) noexcept
    : comm_(std::exchange(other.comm_, MPI_COMM_NULL)), rank_(other.rank_), size_(other.size_) {}

Communicator& Communicator::operator=(Communicator&& other) noexcept {
  std::swap(comm_, other.comm_);
  std::swap(rank_, other.rank_);
  std::swap(size_, other.size_);
  return *this;
}

Communicator::~Communicator() {
  // MPI_Comm_free is collective by the standard: not while an exception unwinds this rank alone.
  int finished = 0;
  if (comm_ == MPI_COMM_NULL || std::uncaught_exceptions() > 0) return;
  MPI_Finalized(&finished);
  if (finished == 0) MPI_Comm_free(&comm_);
}

Communicator Communicator::split(int color) const {
  MPI_Comm made = MPI_COMM_NULL;
  check(MPI_Comm_split(comm_, color, rank_, &made), "MPI_Comm_split");
  return Communicator(made);
}

Communicator Communicator::node() const {
  MPI_Comm made = MPI_COMM_NULL;
  check(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &made), "MPI_Comm_split_type");
  return Communicator(made);
}

Communicator Communicator::duplicate() const {
  MPI_Comm made = MPI_COMM_NULL;
  check(MPI_Comm_dup(comm_, &made), "MPI_Comm_dup");
  return Communicator(made);
}

void Communicator::barrier() const {
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Ibarrier(comm_, &request), "MPI_Ibarrier");
  Patience patience;
  for (int done = 0; done == 0; patience.pause())
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
}

void Communicator::broadcast_bytes(std::span<std::byte> bytes, int root) const {
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), piece_bytes));
    check(MPI_Bcast(piece.data(), count(piece.size()), MPI_BYTE, root, comm_), "MPI_Bcast");
    bytes = bytes.subspan(piece.size());
  }
}

std::string Communicator::broadcast_text(std::string text, int root) const {
  text.resize(broadcast_value(text.size(), root));
  broadcast(std::span<char>(text), root);
  return text;
}

void Communicator::all_gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) const {
  check(MPI_Allgather(mine.data(), count(mine.size()), MPI_BYTE, all.data(), count(mine.size()), MPI_BYTE,
                      comm_),
        "MPI_Allgather");
}

std::vector<std::string> Communicator::gather_text(std::string_view text, int root) const {
  const auto sizes = all_gather(text.size());
  std::vector<int> counts;
  std::vector<int> offsets;
  std::size_t total = 0;
  for (const auto size : sizes) {
    counts.push_back(count(size));
    offsets.push_back(count(total));
    total += size;
  }
  std::string all(rank_ == root ? total : 0, '\0');
  check(MPI_Gatherv(text.data(), count(text.size()), MPI_CHAR, all.data(), counts.data(), offsets.data(),
                    MPI_CHAR, root, comm_),
        "MPI_Gatherv");
  std::vector<std::string> texts;
  if (rank_ != root) return texts;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    texts.push_back(all.substr(static_cast<std::size_t>(offsets[i]), sizes[i]));
  return texts;
}

std::uint64_t Communicator::sum(std::uint64_t value) const {
  return reduce(comm_, value, MPI_UINT64_T, MPI_SUM);
}
double Communicator::sum(double value) const { return reduce(comm_, value, MPI_DOUBLE, MPI_SUM); }
std::uint64_t Communicator::max(std::uint64_t value) const {
  return reduce(comm_, value, MPI_UINT64_T, MPI_MAX);
}
double Communicator::max(double value) const { return reduce(comm_, value, MPI_DOUBLE, MPI_MAX); }
std::uint64_t Communicator::min(std::uint64_t value) const {
  return reduce(comm_, value, MPI_UINT64_T, MPI_MIN);
}
double Communicator::min(double value) const { return reduce(comm_, value, MPI_DOUBLE, MPI_MIN); }

void Communicator::agree(std::string_view error) const {
  const int mine = error.empty() ? size_ : rank_;
  const int first = reduce(comm_, mine, MPI_INT, MPI_MIN);
  if (first == size_) return;
  auto text = rank_ == first ? fmt::format("rank {}, {}: {}", first, host_name(), error) : std::string{};
  throw CollectiveError(broadcast_text(std::move(text), first));
}

const std::string& host_name() {
  static const std::string name = [] {
    std::array<char, 256> buffer{};
    gethostname(buffer.data(), buffer.size() - 1);
    return std::string(buffer.data());
  }();
  return name;
}

}  // namespace surd::mpi
