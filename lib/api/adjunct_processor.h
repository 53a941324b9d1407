#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nodedevice {

// A queue of IBM's Adjunct Processor bus: one domain of one crypto card. It has no other name than
// its two numbers.
struct Apqn {
  int adapter = 0;              // 0 to 255
  int domain = 0;               // 0 to 255
  std::string machine_id = {};  // "IBM-3906-00000000000829E7"; empty: on whichever machine
  bool operator==(const Apqn&) const = default;
};

// What a crypto card is set up as.
enum class CexMode { kAccel, kCca, kEp11 };

// Family `adjunctProcessor`: queues of crypto cards (IBM Crypto Express). The defaults are those of
// IBM's own plugin.
struct AdjunctProcessor {
  std::vector<Apqn> apqns = {};      // each once; empty with config_file
  std::optional<CexMode> mode = {};  // only queues of such cards
  int min_generation = 0;            // only queues of a CEX of this number or later; 0: of any
  int overcommit = 1;                // how many containers may use a queue at a time
  bool live_sysfs = true;            // a container sees its queue's own state and counters
  std::string shadow_path = "/var/tmp/shadowsysfs";  // where what it sees of /sys is put together
  // IBM's configuration on the host, and which of its sets is meant; both or none. What the set
  // says takes the place of what stands above.
  std::string config_file = {};
  std::string set = {};
  bool operator==(const AdjunctProcessor&) const = default;
};

// Where APQNs stand, to find one that stands twice: of two with the same numbers that could meet on
// one machine, two containers could get the same queue without knowing.
class ApqnPlaces {
 public:
  // What is wrong with one more; empty: nothing.
  std::string Clash(const Apqn& apqn) const;
  void Add(const Apqn& apqn, std::string place);

 private:
  using ByMachine = std::map<std::string, std::string>;  // machine id, or none -> place
  std::map<std::pair<int, int>, ByMachine> places_;      // by adapter and domain
};

}  // namespace nodedevice
