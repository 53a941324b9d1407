#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "nlohmann/json.hpp"

namespace nodedevice {

using Labels = std::map<std::string, std::string>;

// The labels of an object of the API.
Labels LabelsOf(const nlohmann::json& object);

// A metav1.LabelSelector. One that is absent selects nothing, and so does one that the API's own
// rules do not allow; `{}` selects everything: whoever knows better says so by is_empty().
class LabelSelector {
 public:
  // Any JSON will do; null: the selector is absent.
  explicit LabelSelector(const nlohmann::json& selector);

  bool Selects(const Labels& labels) const;

  // It is there and asks for nothing.
  bool is_empty() const { return requirements_ && requirements_->empty(); }

  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist };
  struct Requirement {
    std::string key;
    Operator what = Operator::kIn;
    std::set<std::string> values;  // of kIn and kNotIn; never empty there
    bool operator==(const Requirement&) const = default;
    bool operator<(const Requirement& other) const {
      return std::tie(key, what, values) < std::tie(other.key, other.what, other.values);
    }
  };

  // What it asks for, all of it, its labels as kIn; nullopt: it selects nothing.
  const std::optional<std::vector<Requirement>>& requirements() const { return requirements_; }

 private:
  static std::optional<Operator> OperatorOf(const std::string& name);
  static std::optional<Requirement> RequirementOf(const nlohmann::json& expression);
  static std::optional<std::vector<Requirement>> Parse(const nlohmann::json& selector);
  static bool IsMet(const Requirement& requirement, const Labels& labels);

  std::optional<std::vector<Requirement>> requirements_;  // nullopt: selects nothing
};

}  // namespace nodedevice
