#include "tests/support/server_side_apply.h"

#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

Json Parsed(const char* text) { return Json::parse(text); }
Json WithoutManagers(Json object) {
  object["metadata"].erase("managedFields");
  if (object["metadata"].empty()) object.erase("metadata");
  return object;
}

TEST(ServerSideApplyTest, WhatNobodyNamesAnyMoreGoesAndTheRestStays) {
  AppliedFields fields;
  Json object = Parsed(R"({"spec": {"theirs": 1}, "status": {"a": 1}})");
  object = fields.Apply(object, "us", Parsed(R"({"spec": {"ours": 1, "map": {"a": 1, "b": 2}}})"));
  EXPECT_EQ(WithoutManagers(object), Parsed(R"({"spec": {"theirs": 1, "ours": 1,
                                                "map": {"a": 1, "b": 2}}, "status": {"a": 1}})"));
  object = fields.Apply(object, "us", Parsed(R"({"spec": {"map": {"b": 3}}})"));
  EXPECT_EQ(WithoutManagers(object),
            Parsed(R"({"spec": {"theirs": 1, "map": {"b": 3}}, "status": {"a": 1}})"));
}

TEST(ServerSideApplyTest, WhatAnotherManagerNamesStays) {
  AppliedFields fields;
  Json object = fields.Apply({}, "us", Parsed(R"({"spec": {"a": 1, "b": 1}})"));
  object = fields.Apply(object, "them", Parsed(R"({"spec": {"a": 1}})"));
  object = fields.Apply(object, "us", Parsed(R"({"spec": {}})"));
  EXPECT_EQ(WithoutManagers(object), Parsed(R"({"spec": {"a": 1}})"));
}

TEST(ServerSideApplyTest, FinalizersAreASetAndOtherListsAreOneValue) {
  AppliedFields fields;
  Json object = Parsed(R"({"metadata": {"finalizers": ["theirs"]}, "list": [1, 2]})");
  object =
      fields.Apply(object, "us", Parsed(R"({"metadata": {"finalizers": ["ours"]}, "list": [3]})"));
  EXPECT_EQ(object["metadata"]["finalizers"], Parsed(R"(["theirs", "ours"])"));
  EXPECT_EQ(object["list"], Parsed("[3]"));
  object = fields.Apply(object, "us", Parsed(R"({"metadata": {"finalizers": []}})"));
  EXPECT_EQ(object["metadata"]["finalizers"], Parsed(R"(["theirs"])"));
  EXPECT_FALSE(object.contains("list"));
}

TEST(ServerSideApplyTest, TellsWhoNamedWhat) {
  AppliedFields fields;
  const Json object = fields.Apply({}, "us", Parsed(R"({"apiVersion": "v1", "kind": "Pod",
      "metadata": {"name": "a", "uid": "u", "labels": {"x": "y"}}, "spec": {"list": [1]}})"));
  const Json& managers = object["metadata"]["managedFields"];
  ASSERT_EQ(managers.size(), 1u);
  EXPECT_EQ(managers[0]["manager"], "us");
  EXPECT_EQ(managers[0]["fieldsV1"],
            Parsed(R"({"f:metadata": {"f:labels": {"f:x": {}}}, "f:spec": {"f:list": {}}})"));
}

}  // namespace
}  // namespace nodedevice::testing
