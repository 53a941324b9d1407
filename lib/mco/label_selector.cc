#include "lib/mco/label_selector.h"

#include <algorithm>
#include <utility>

#include "lib/kube/object_fields.h"

namespace nodedevice {

using Json = nlohmann::json;

Labels LabelsOf(const Json& object) {
  Labels labels;
  const Json& given = ValueAt(object, "/metadata/labels");
  if (!given.is_object()) return labels;
  for (const auto& [key, value] : given.items()) {
    if (value.is_string()) labels[key] = value.get<std::string>();
  }
  return labels;
}

LabelSelector::LabelSelector(const Json& selector) : requirements_(Parse(selector)) {}

bool LabelSelector::Selects(const Labels& labels) const {
  return requirements_ && std::ranges::all_of(*requirements_, [&](const Requirement& requirement) {
           return IsMet(requirement, labels);
         });
}

std::optional<LabelSelector::Operator> LabelSelector::OperatorOf(const std::string& name) {
  if (name == "In") return Operator::kIn;
  if (name == "NotIn") return Operator::kNotIn;
  if (name == "Exists") return Operator::kExists;
  if (name == "DoesNotExist") return Operator::kDoesNotExist;
  return std::nullopt;
}

std::optional<LabelSelector::Requirement> LabelSelector::RequirementOf(const Json& expression) {
  Requirement requirement = {.key = TextAt(expression, "/key"), .what = {}, .values = {}};
  const std::optional<Operator> what = OperatorOf(TextAt(expression, "/operator"));
  const Json& values = ValueAt(expression, "/values");
  if (requirement.key.empty() || !what || !(values.is_array() || values.is_null())) {
    return std::nullopt;
  }
  requirement.what = *what;
  for (const Json& value : values) {
    if (!value.is_string()) return std::nullopt;
    requirement.values.insert(value.get<std::string>());
  }
  const bool compares = *what == Operator::kIn || *what == Operator::kNotIn;
  if (compares == requirement.values.empty()) return std::nullopt;
  return requirement;
}

std::optional<std::vector<LabelSelector::Requirement>> LabelSelector::Parse(const Json& selector) {
  if (!selector.is_object()) return std::nullopt;
  std::vector<Requirement> requirements;
  const Json& labels = ValueAt(selector, "/matchLabels");
  if (!labels.is_object() && !labels.is_null()) return std::nullopt;
  for (const auto& [key, value] : labels.items()) {
    if (!value.is_string()) return std::nullopt;
    requirements.push_back(
        {.key = key, .what = Operator::kIn, .values = {value.get<std::string>()}});
  }
  const Json& expressions = ValueAt(selector, "/matchExpressions");
  if (!expressions.is_array() && !expressions.is_null()) return std::nullopt;
  for (const Json& expression : expressions) {
    std::optional<Requirement> requirement = RequirementOf(expression);
    if (!requirement) return std::nullopt;
    requirements.push_back(*std::move(requirement));
  }
  return requirements;
}

bool LabelSelector::IsMet(const Requirement& requirement, const Labels& labels) {
  const auto label = labels.find(requirement.key);
  const bool exists = label != labels.end();
  switch (requirement.what) {
    case Operator::kIn:
      return exists && requirement.values.contains(label->second);
    case Operator::kNotIn:
      return !exists || !requirement.values.contains(label->second);
    case Operator::kExists:
      return exists;
    case Operator::kDoesNotExist:
      return !exists;
  }
  return false;
}

}  // namespace nodedevice
