#pragma once

#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace nodedevice {

// Makes the devices of an entry come into being, and removes those of its making that the entry
// does not ask for any more. Unlike a preparer's work it has nothing to do with containers that
// start: the devices are announced when they are there. The host is the state: what the maker has
// made carries its mark there, and nothing else is ever removed.
//
// Work() is called on one thread of its own, never twice at a time, maybe while a scan runs on
// another. It may block as long as a driver likes.
class DeviceMaker {
 public:
  // What may happen to devices that are not asked for any more. One that is in neither set waits
  // for its turn, and nothing is made before: drivers have no room for new ones meanwhile.
  struct Order {
    std::set<std::string> remove = {};  // no pod has had them for long enough
    std::set<std::string> keep = {};    // a pod has them, or nobody knows
  };
  struct Result {
    std::vector<std::string> done = {};   // for people; not empty: a scan finds something else
    std::set<std::string> unwanted = {};  // not asked for any more, and still there
    std::vector<std::string> notes = {};  // for people: what is not as asked for, and why
  };
  // Is told of each step before it begins, for people: "making X on Y".
  using Begins = std::function<void(const std::string& step)>;

  virtual ~DeviceMaker() = default;

  // Brings the host as near to what is asked for as it goes now, and ends early, between two
  // steps, when `stop` says so. A step that fails leaves what was there and is in the notes; the
  // next call tries it again.
  virtual Result Work(const Order& order, const Begins& begins, const std::stop_token& stop) = 0;
};

}  // namespace nodedevice
