#include "surd/batch/detail/file_system_kind.hpp"

#include <sys/statfs.h>

#include <array>
#include <cstdint>
#include <utility>

namespace surd::batch {

FileSystemKind file_system_kind(storage::Path directory) {
  // Magic numbers of statfs(2).
  static constexpr std::array<std::pair<std::uint32_t, FileSystemKind>, 17> kinds{{
      {0xEF53, {"ext4", false, false}},
      {0x58465342, {"xfs", false, false}},
      {0x9123683E, {"btrfs", false, false}},
      {0x2FC12FC1, {"zfs", false, false}},
      {0x794C7630, {"overlayfs", false, false}},
      {0x01021994, {"tmpfs", true, false}},
      {0x858458F6, {"ramfs", true, false}},
      {0x6969, {"nfs", false, true}},
      {0x0BD00BD0, {"lustre", false, true}},
      {0x47504653, {"gpfs", false, true}},
      {0x19830326, {"beegfs", false, true}},
      {0x00C36400, {"ceph", false, true}},
      {0xFF534D42, {"cifs", false, true}},
      {0xFE534D42, {"smb2", false, true}},
      {0x65735546, {"fuse", false, true}},
      {0xAAD7AAEA, {"panfs", false, true}},
      {0x7461636F, {"ocfs2", false, true}},
  }};
  struct statfs status {};
  while (::statfs(directory.c_str(), &status) != 0) {
    if (!directory.has_parent_path() || directory == directory.parent_path()) {
      if (directory == ".") return {};
      directory = ".";
    } else {
      directory = directory.parent_path();
    }
  }
  for (const auto& [magic, kind] : kinds) {
    if (magic == static_cast<std::uint32_t>(status.f_type)) return kind;
  }
  return {};
}

}  // namespace surd::batch
