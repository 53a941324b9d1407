#include "controller/scheduling.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using nlohmann::json;

json Pool(const std::string& name, const json& labels) {
  return {{"metadata", {{"name", name}}}, {"spec", {{"nodeSelector", {{"matchLabels", labels}}}}}};
}

json PoolOfRole(const std::string& name) { return Pool(name, {{"role/" + name, ""}}); }

// A scheduler, as far as affinities go. A term of a node selector means what a LabelSelector means.
bool MayRun(const json& affinity, const Labels& labels) {
  const json& terms = ListAt(
      affinity, "/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
  return std::ranges::any_of(terms,
                             [&](const json& term) { return LabelSelector(term).Selects(labels); });
}

// Every node that these labels can make: each absent or with one of two values.
std::vector<Labels> AllNodes(const std::vector<std::string>& keys) {
  std::vector<Labels> nodes = {{}};
  for (const std::string& key : keys) {
    const std::size_t count = nodes.size();
    for (const char* value : {"", "windows"}) {
      for (std::size_t i = 0; i < count; ++i) {
        Labels with = nodes[i];
        with[key] = value;
        nodes.push_back(std::move(with));
      }
    }
  }
  return nodes;
}

// The affinity for every choice of the pools lets exactly their nodes in, whatever their labels.
void ExpectExact(const json& pool_list, const std::vector<std::string>& keys) {
  const NodePools pools(pool_list);
  std::vector<std::string> names;
  for (const json& pool : pool_list) names.push_back(TextAt(pool, "/metadata/name"));
  for (std::size_t choice = 1; choice < (1u << names.size()); ++choice) {
    std::set<std::string> selected;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (choice >> i & 1u) selected.insert(names[i]);
    }
    const auto affinity = AffinityForPools(pools, selected);
    ASSERT_TRUE(affinity.ok()) << affinity.status();
    for (const Labels& node : AllNodes(keys)) {
      ASSERT_EQ(MayRun(*affinity, node), selected.contains(pools.Of(node).name))
          << affinity->dump(1) << json(node) << json(selected);
    }
  }
}

TEST(AffinityForPoolsTest, IsExactForPoolsByRole) {
  ExpectExact({PoolOfRole("worker"), PoolOfRole("master"), PoolOfRole("gpu"), PoolOfRole("infra")},
              {"role/worker", "role/master", "role/gpu", "role/infra", "kubernetes.io/os"});
  ExpectExact({PoolOfRole("worker"), PoolOfRole("master"), PoolOfRole("gpu")},
              {"role/worker", "role/master", "role/gpu"});
  ExpectExact(json::array({PoolOfRole("worker")}), {"role/worker", "kubernetes.io/os"});
}

TEST(AffinityForPoolsTest, IsExactForSelectorsOfSeveralRequirements) {
  json gpu = Pool("gpu", {{"a", ""}, {"b", ""}});
  json infra = Pool("infra", {{"c", ""}});
  infra["spec"]["nodeSelector"]["matchExpressions"] = {
      {{"key", "a"}, {"operator", "NotIn"}, {"values", {"", "x"}}},
      {{"key", "b"}, {"operator", "DoesNotExist"}}};
  json worker = Pool("worker", json::object());
  worker["spec"]["nodeSelector"]["matchExpressions"] = {{{"key", "c"}, {"operator", "Exists"}}};
  ExpectExact({worker, PoolOfRole("master"), gpu, infra}, {"a", "b", "c", "role/master"});
}

TEST(AffinityForPoolsTest, AWorkerIsNoneOfTheOthers) {
  const NodePools pools({PoolOfRole("worker"), PoolOfRole("master"), PoolOfRole("gpu")});
  EXPECT_EQ(*AffinityForPools(pools, {"worker"}), json::parse(R"({"nodeAffinity": {
      "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{
          "matchExpressions": [
              {"key": "kubernetes.io/os", "operator": "NotIn", "values": ["windows"]},
              {"key": "role/gpu", "operator": "NotIn", "values": [""]},
              {"key": "role/master", "operator": "NotIn", "values": [""]},
              {"key": "role/worker", "operator": "In", "values": [""]}]}]}}})"));
}

TEST(AffinityForPoolsTest, NowhereIsNull) {
  const NodePools pools({PoolOfRole("worker"), Pool("empty", json::object())});
  EXPECT_TRUE(AffinityForPools(pools, {"empty"})->is_null());
  EXPECT_TRUE(AffinityForPools(pools, {"unknown"})->is_null());
  EXPECT_TRUE(AffinityForPools(pools, {})->is_null());
}

TEST(AffinityForPoolsTest, TooManyTermsAreAnError) {
  json pools = json::array({PoolOfRole("worker")});
  for (int i = 0; i < 8; ++i) {
    const std::string n = std::to_string(i);
    pools.push_back(Pool("c" + n, {{"x" + n, ""}, {"y" + n, ""}}));
  }
  const auto affinity = AffinityForPools(NodePools(pools), {"worker"});
  EXPECT_EQ(affinity.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(AffinityForLabelsTest, AsksForAllOfThem) {
  const json affinity = AffinityForLabels({{"a", "1"}, {"b", ""}});
  EXPECT_TRUE(MayRun(affinity, {{"a", "1"}, {"b", ""}, {"kubernetes.io/os", "linux"}}));
  EXPECT_FALSE(MayRun(affinity, {{"a", "1"}}));
  EXPECT_FALSE(MayRun(affinity, {{"a", "1"}, {"b", "2"}}));
  EXPECT_FALSE(MayRun(affinity, {{"a", "1"}, {"b", ""}, {"kubernetes.io/os", "windows"}}));
}

}  // namespace
}  // namespace nodedevice
