#pragma once

#include <string>
#include <vector>

#include "devicemanager/conformance/observation.h"
#include "devicemanager/conformance/rule.h"

// What judgements are written with.
namespace nodedevice::devicemanager::conformance {

// "0.3 ms", "41 ms", "4.02 s".
std::string Took(Duration duration);

// "1 device", "2 devices".
std::string Count(std::size_t n, const std::string& noun);

// "[a, b, c]", and "[a, b, ... 98 more]" of a long list. What is no printable text is escaped.
std::string Ids(const std::vector<std::string>& ids);

// In quotes, at most so long that a line stays a line, what is not printable escaped.
std::string Quoted(const std::string& text);

// A list of complaints that ends in a judgement: without one it passes with `seen`.
class Complaints {
 public:
  // Only the first few are told; the rest is counted.
  void Add(std::string complaint);
  bool empty() const { return count_ == 0; }
  Judgement OrElse(std::string seen) const;

 private:
  std::vector<std::string> told_;
  std::size_t count_ = 0;
};

Judgement Pass(std::string seen);
Judgement Fail(std::string seen);
Judgement NotApplicable(std::string why);

}  // namespace nodedevice::devicemanager::conformance
