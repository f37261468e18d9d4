// A group of ranks and the operations they do together. The only wrapper around MPI that surd needs.
//
// Every call checks MPI's return code and throws MpiError with MPI's text. Counts above 2^31 are sent in
// pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <mpi.h>

#include "surd/base/error.hpp"

namespace surd::mpi {

/// An MPI call failed.
class MpiError : public base::Error {
 public:
  using Error::Error;
};

/// The same error, thrown by all ranks together.
class CollectiveError : public base::Error {
 public:
  using Error::Error;
};

/// @throws MpiError  unless rc is MPI_SUCCESS.
void check(int rc, const char* call);

/// @throws MpiError  if n does not fit MPI's int.
[[nodiscard]] int count(std::size_t n);

template <class T>
concept Message = std::is_trivially_copyable_v<T>;

/// Move-only owner of an MPI communicator. Ranks are int, from 0 to size() - 1.
class Communicator {
 public:
  Communicator() noexcept = default;  ///< MPI_COMM_NULL.
  explicit Communicator(MPI_Comm owned);
  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&& other) noexcept;
  ~Communicator();

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return size_; }
  [[nodiscard]] bool is_root() const noexcept { return rank_ == 0; }
  [[nodiscard]] MPI_Comm native() const noexcept { return comm_; }

  /// Collective. A communicator of the ranks that pass the same `color`, ordered by rank here.
  [[nodiscard]] Communicator split(int color) const;
  /// Collective. The ranks that share this rank's node.
  [[nodiscard]] Communicator node() const;
  /// Collective. A copy whose messages cannot meet this one's.
  [[nodiscard]] Communicator duplicate() const;

  /// Collective. Waits politely (see Patience): ranks that arrive early leave their core to others.
  void barrier() const;

  /// Collective. `values`, shape [k] with the same k on all ranks, become root's.
  template <Message T>
  void broadcast(std::span<T> values, int root = 0) const {
    broadcast_bytes(std::as_writable_bytes(values), root);
  }
  /// Collective. Root's value.
  template <Message T>
  [[nodiscard]] T broadcast_value(T value, int root = 0) const {
    broadcast(std::span<T>(&value, 1), root);
    return value;
  }
  /// Collective. Root's text, of any length; the others' argument is ignored.
  [[nodiscard]] std::string broadcast_text(std::string text, int root = 0) const;

  /// Collective. One value per rank, shape [size()], on every rank.
  template <Message T>
  [[nodiscard]] std::vector<T> all_gather(const T& value) const {
    std::vector<T> all(static_cast<std::size_t>(size_));
    all_gather_bytes(std::as_bytes(std::span(&value, 1)), std::as_writable_bytes(std::span(all)));
    return all;
  }
  /// Collective. Each rank's text on `root`, shape [size()]; empty elsewhere.
  [[nodiscard]] std::vector<std::string> gather_text(std::string_view text, int root = 0) const;

  /// Collective. Sum, minimum, maximum over ranks, on every rank.
  [[nodiscard]] std::uint64_t sum(std::uint64_t value) const;
  [[nodiscard]] double sum(double value) const;
  [[nodiscard]] std::uint64_t max(std::uint64_t value) const;
  [[nodiscard]] double max(double value) const;
  [[nodiscard]] std::uint64_t min(std::uint64_t value) const;
  [[nodiscard]] double min(double value) const;

  /// Collective. Every rank passes its own error, empty if it has none; if any rank has one, all ranks throw
  /// CollectiveError with the lowest failing rank's text, host included.
  void agree(std::string_view error) const;

 private:
  void broadcast_bytes(std::span<std::byte> bytes, int root) const;
  void all_gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) const;

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
};

/// Name of this rank's host.
[[nodiscard]] const std::string& host_name();

}  // namespace surd::mpi
