#include "surd/mpi/communicator.hpp"

#include <unistd.h>

#include <algorithm>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/mpi/message.hpp"
#include "surd/mpi/session.hpp"

namespace surd::mpi {
namespace {

using testing::HasSubstr;

/// A copy of the world: tests cannot meet each other's messages.
Communicator world() {
  MPI_Comm made = MPI_COMM_NULL;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &made), "MPI_Comm_dup");
  return Communicator(made);
}

std::uint64_t number(int rank) { return static_cast<std::uint64_t>(rank); }

/// Of rank's own length: empty on rank 0, megabytes on the last.
std::string text_of(int rank) {
  return std::string(number(rank) * number(rank) * 100'000, static_cast<char>('a' + rank));
}

TEST(Communicator, KnowsItsRanks) {
  const auto comm = world();

  EXPECT_EQ(comm.is_root(), comm.rank() == 0);
  EXPECT_EQ(comm.sum(std::uint64_t{1}), number(comm.size()));
  EXPECT_EQ(comm.max(number(comm.rank())), number(comm.size() - 1));
}

TEST(Communicator, BroadcastsTextsOfAnyLengthFromAnyRank) {
  const auto comm = world();
  for (int root = 0; root < comm.size(); ++root) {
    const auto mine = comm.rank() == root ? text_of(root) : "something else";
    EXPECT_EQ(comm.broadcast_text(mine, root), text_of(root));
  }
  EXPECT_EQ(comm.broadcast_text("", comm.size() - 1), "");
}

TEST(Communicator, BroadcastsValuesAndSpans) {
  const auto comm = world();
  struct Pair {
    double x;
    int n;
  };
  const auto pair = comm.broadcast_value(Pair{comm.rank() * 1.5, comm.rank()}, comm.size() - 1);
  std::vector<int> values(1000);
  if (comm.is_root()) std::iota(values.begin(), values.end(), 1);
  comm.broadcast(std::span(values));

  EXPECT_EQ(pair.n, comm.size() - 1);
  EXPECT_EQ(pair.x, 1.5 * (comm.size() - 1));
  EXPECT_EQ(values.back(), 1000);
}

TEST(Communicator, GathersTextsOfUnequalLength) {
  const auto comm = world();
  for (int root = 0; root < comm.size(); ++root) {
    const auto texts = comm.gather_text(text_of(comm.rank()), root);
    ASSERT_EQ(texts.size(), comm.rank() == root ? number(comm.size()) : 0U);
    for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(texts[i], text_of(static_cast<int>(i)));
  }
}

TEST(Communicator, GathersEmptyTexts) {
  const auto comm = world();
  const auto texts = comm.gather_text("");

  EXPECT_EQ(texts, std::vector<std::string>(comm.is_root() ? number(comm.size()) : 0U));
}

TEST(Communicator, GathersOneValuePerRankEverywhere) {
  const auto comm = world();
  const auto all = comm.all_gather(comm.rank() * 10.0);

  ASSERT_EQ(all.size(), number(comm.size()));
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], static_cast<double>(i) * 10);
}

TEST(Communicator, ReducesNumbers) {
  const auto comm = world();
  const auto n = number(comm.size());
  const auto mine = number(comm.rank()) + 1;

  EXPECT_EQ(comm.sum(mine), n * (n + 1) / 2);
  EXPECT_EQ(comm.min(mine), 1U);
  EXPECT_EQ(comm.max(mine), n);
  EXPECT_EQ(comm.sum(0.5), 0.5 * comm.size());
  EXPECT_EQ(comm.min(-1.0 * comm.rank()), 1.0 - comm.size());
  EXPECT_EQ(comm.max(-1.0 * comm.rank()), 0.0);
  EXPECT_EQ(comm.max(~std::uint64_t{0} - mine), ~std::uint64_t{0} - 1);  // beyond double and int64
}

TEST(Communicator, SplitsIntoOrderedParts) {
  const auto comm = world();
  const auto part = comm.split(comm.rank() % 3);
  const auto members = part.all_gather(comm.rank());

  EXPECT_EQ(part.rank(), comm.rank() / 3);
  EXPECT_EQ(part.size(), (comm.size() - comm.rank() % 3 + 2) / 3);
  EXPECT_TRUE(std::is_sorted(members.begin(), members.end()));
  for (const auto member : members) EXPECT_EQ(member % 3, comm.rank() % 3);
}

TEST(Communicator, FindsTheRanksOfThisNode) {
  const auto comm = world();
  const auto node = comm.node();

  EXPECT_GE(node.size(), 1);
  EXPECT_LE(node.size(), comm.size());
  for (const auto& host : node.gather_text(host_name())) EXPECT_EQ(host, host_name());
}

TEST(Communicator, MovesItsOwnership) {
  auto first = world();
  const int size = first.size();
  Communicator second = std::move(first);
  Communicator third;
  third = std::move(second);

  EXPECT_EQ(third.size(), size);
  EXPECT_EQ(third.sum(std::uint64_t{1}), number(size));
  EXPECT_EQ(first.native(), MPI_COMM_NULL);
}

TEST(Communicator, DuplicateKeepsMessagesApart) {
  const auto comm = world();
  const auto copy = comm.duplicate();
  const int next = (comm.rank() + 1) % comm.size();
  const int before = (comm.rank() + comm.size() - 1) % comm.size();
  int in_copy = -1;
  PendingReceive receive(copy, std::as_writable_bytes(std::span(&in_copy, 1)), before, 1);
  const int wrong = -7;
  const int right = comm.rank();
  int in_comm = -1;
  PendingReceive other(comm, std::as_writable_bytes(std::span(&in_comm, 1)), before, 1);
  send(comm, std::as_bytes(std::span(&wrong, 1)), next, 1);
  send(copy, std::as_bytes(std::span(&right, 1)), next, 1);
  Patience patience;
  while (!receive.arrived()) patience.pause();
  while (!other.arrived()) patience.pause();

  EXPECT_EQ(in_copy, before);
  EXPECT_EQ(in_comm, wrong);
}

TEST(Agree, PassesWhenNoRankHasAnError) {
  const auto comm = world();

  EXPECT_NO_THROW(comm.agree(""));
}

TEST(Agree, ThrowsTheSameOnAllRanksWhicheverFails) {
  const auto comm = world();
  for (int bad = 0; bad < comm.size(); ++bad) {
    std::string text;
    try {
      comm.agree(comm.rank() == bad ? "no space on scratch" : "");
    } catch (const CollectiveError& error) {
      text = error.what();
    }
    EXPECT_THAT(text, HasSubstr("no space on scratch"));
    EXPECT_THAT(text, HasSubstr("rank " + std::to_string(bad)));
    EXPECT_EQ(comm.broadcast_text(text), text);
  }
  EXPECT_EQ(comm.sum(std::uint64_t{1}), number(comm.size()));  // and all are still in step
}

TEST(Agree, TellsTheLowestFailingRank) {
  const auto comm = world();
  try {
    comm.agree(comm.rank() == 0 && comm.size() > 1 ? "" : "error of " + std::to_string(comm.rank()));
    FAIL() << "agreed";
  } catch (const CollectiveError& error) {
    EXPECT_THAT(error.what(), HasSubstr(comm.size() > 1 ? "error of 1" : "error of 0"));
  }
}

TEST(Check, NamesTheCallAndMpisText) {
  const auto comm = world();
  try {
    check(MPI_Send(nullptr, 0, MPI_BYTE, comm.size() + 5, 0, comm.native()), "MPI_Send");
    FAIL() << "sent";
  } catch (const MpiError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("MPI_Send: "), HasSubstr("rank")));
  }
}

TEST(Count, RefusesWhatMpisIntCannotHold) {
  EXPECT_EQ(count(0), 0);
  EXPECT_EQ(count(2'147'483'647), 2'147'483'647);
  EXPECT_THROW((void)count(2'147'483'648), MpiError);
}

TEST(Library, NamesItself) {
  EXPECT_FALSE(library_name().empty());
  EXPECT_GE(standard_level(), "3.1");
}

}  // namespace
}  // namespace surd::mpi
