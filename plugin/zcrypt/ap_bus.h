#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "lib/base/status.h"

namespace nodedevice {

// The kernel's Adjunct Processor bus, as /sys/bus/ap and /sys/devices/ap show it. Crypto cards hang
// on it, each with a queue for each domain of this partition. Reading only; values, any thread.

inline constexpr char kApBus[] = "/sys/bus/ap";
inline constexpr char kApDevices[] = "/sys/devices/ap";

// "card03" and "03.0005", the kernel's names; both numbers in hexadecimal digits.
std::string ApCardName(int adapter);
std::string ApQueueName(int adapter, int domain);
// Host paths: "/sys/devices/ap/card03" and "/sys/devices/ap/card03/03.0005".
std::string ApCardFolder(int adapter);
std::string ApQueueFolder(int adapter, int domain);

// "CEX7C" of a card's attribute `type`.
struct ApCardType {
  int generation = 0;
  CexMode mode = CexMode::kCca;
  bool operator==(const ApCardType&) const = default;
};
std::optional<ApCardType> ParseApCardType(std::string_view text);

// One queue, as it is now.
struct ApQueue {
  std::string card_type;           // "CEX7C"
  std::optional<ApCardType> type;  // nullopt: it could not be told, `problem` says why
  std::string problem;             // why it cannot be used, for people; empty: it can
};

// The queue, or what is missing (kNotFound): "there is no card card03",
// "card03 has no queue 03.0005".
absl::StatusOr<ApQueue> ReadApQueue(const HostRoot& host, int adapter, int domain);

// Whether an entry wants queues of such a card: its mode and minGeneration. The sentence says why
// not; empty: it does.
std::string WhyNotWanted(const AdjunctProcessor& family, const ApQueue& queue, int adapter);

// "IBM-3906-00000000000829E7" of the text of /proc/sysinfo: Manufacturer, Type and Sequence Code.
// Lines of guests ("VM00 Type:") are not the machine's.
std::optional<std::string> ParseMachineId(std::string_view sysinfo);

// The same of this machine; of this process' /proc where the host's is not seen, as in a container:
// both show the same machine.
absl::StatusOr<std::string> ReadMachineId(const HostRoot& host);

}  // namespace nodedevice
