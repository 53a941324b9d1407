#include "controller/scheduling.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using Operator = LabelSelector::Operator;
using Requirement = LabelSelector::Requirement;

// All of its requirements.
using Term = std::set<Requirement>;
// Any of its terms.
using AnyOf = std::set<Term>;

constexpr char kOs[] = "kubernetes.io/os";

Requirement NoWindows() { return {.key = kOs, .what = Operator::kNotIn, .values = {"windows"}}; }

Requirement Not(Requirement requirement) {
  switch (requirement.what) {
    case Operator::kIn:
      requirement.what = Operator::kNotIn;
      break;
    case Operator::kNotIn:
      requirement.what = Operator::kIn;
      break;
    case Operator::kExists:
      requirement.what = Operator::kDoesNotExist;
      break;
    case Operator::kDoesNotExist:
      requirement.what = Operator::kExists;
      break;
  }
  return requirement;
}

bool Contradicts(const Term& term) {
  return std::ranges::any_of(
      term, [&](const Requirement& requirement) { return term.contains(Not(requirement)); });
}

// What this pool's selector selects. REQUIRES: the pool is one of NodePools, so it has one.
AnyOf Selected(const NodePools::Pool& pool) {
  Term term = {NoWindows()};
  term.insert(pool.nodes.requirements()->begin(), pool.nodes.requirements()->end());
  return {std::move(term)};
}

// `nodes` without those that the pool's selector selects.
absl::StatusOr<AnyOf> Without(const AnyOf& nodes, const NodePools::Pool& pool) {
  AnyOf left;
  for (const Term& term : nodes) {
    for (const Requirement& requirement : *pool.nodes.requirements()) {
      Term narrower = term;
      narrower.insert(Not(requirement));
      if (!Contradicts(narrower)) left.insert(std::move(narrower));
      if (left.size() > kMaxAffinityTerms) {
        return absl::InvalidArgumentError(
            absl::StrCat("the node selectors of the MachineConfigPools are too many, or too "
                         "complicated, to tell "
                         "the nodes of one pool from those of the others by an affinity of ",
                         kMaxAffinityTerms, " terms"));
      }
    }
  }
  return left;
}

// The nodes of the pool: without those of the pools that come before it.
absl::StatusOr<AnyOf> NodesOf(const NodePools::Pool& pool, const NodePools& pools) {
  AnyOf nodes = Selected(pool);
  if (&pool == pools.master()) {
    if (pools.custom().size() < 2) return nodes;
    // One custom pool may select its nodes too, whichever, but not two.
    AnyOf at_most_one;
    for (const NodePools::Pool& only : pools.custom()) {
      AnyOf some = nodes;
      for (const NodePools::Pool& other : pools.custom()) {
        if (&other == &only) continue;
        ASSIGN_OR_RETURN(some, Without(some, other));
      }
      at_most_one.merge(some);
    }
    return at_most_one;
  }
  for (const NodePools::Pool& other : pools.custom()) {
    if (&other == &pool) continue;
    ASSIGN_OR_RETURN(nodes, Without(nodes, other));
  }
  if (pools.master()) return Without(nodes, *pools.master());
  return nodes;
}

const char* NameOf(Operator what) {
  switch (what) {
    case Operator::kIn:
      return "In";
    case Operator::kNotIn:
      return "NotIn";
    case Operator::kExists:
      return "Exists";
    case Operator::kDoesNotExist:
      return "DoesNotExist";
  }
  return "";
}

Json ToAffinity(const AnyOf& nodes) {
  Json terms = Json::array();
  for (const Term& term : nodes) {
    Json expressions = Json::array();
    for (const Requirement& requirement : term) {
      Json expression = {{"key", requirement.key}, {"operator", NameOf(requirement.what)}};
      if (!requirement.values.empty()) expression["values"] = requirement.values;
      expressions.push_back(std::move(expression));
    }
    terms.push_back({{"matchExpressions", std::move(expressions)}});
  }
  return {{"nodeAffinity",
           {{"requiredDuringSchedulingIgnoredDuringExecution",
             {{"nodeSelectorTerms", std::move(terms)}}}}}};
}

}  // namespace

absl::StatusOr<Json> AffinityForPools(const NodePools& pools,
                                      const std::set<std::string>& selected) {
  std::vector<const NodePools::Pool*> wanted;
  for (const NodePools::Pool* pool : {pools.master(), pools.worker()}) {
    if (pool != nullptr && selected.contains(pool->name)) wanted.push_back(pool);
  }
  for (const NodePools::Pool& pool : pools.custom()) {
    if (selected.contains(pool.name)) wanted.push_back(&pool);
  }
  AnyOf nodes;
  for (const NodePools::Pool* pool : wanted) {
    ASSIGN_OR_RETURN(AnyOf of_pool, NodesOf(*pool, pools));
    nodes.merge(of_pool);
  }
  if (nodes.empty()) return nullptr;
  if (nodes.size() > kMaxAffinityTerms) {
    return absl::InvalidArgumentError(absl::StrCat("the nodes of ", wanted.size(),
                                                   " MachineConfigPools cannot be told from the "
                                                   "others by an affinity of ",
                                                   kMaxAffinityTerms,
                                                   " terms: select fewer pools"));
  }
  return ToAffinity(nodes);
}

Json AffinityForLabels(const Labels& labels) {
  Term term = {NoWindows()};
  for (const auto& [key, value] : labels) {
    term.insert({.key = key, .what = Operator::kIn, .values = {value}});
  }
  return ToAffinity({std::move(term)});
}

}  // namespace nodedevice
