#include "lib/kube/object_fields.h"

#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;

TEST(ObjectFieldsTest, AnyJsonHasFieldsOfWhichMostAreNotThere) {
  const json object = json::parse(R"({"metadata": {"name": "a", "uid": 7}, "list": {"a": 1}})");
  EXPECT_EQ(TextAt(object, "/metadata/name"), "a");
  EXPECT_EQ(TextAt(object, "/metadata/uid"), "");
  EXPECT_EQ(NameOf(object), "a");
  EXPECT_EQ(ValueAt(object, "/metadata/uid"), 7);
  EXPECT_TRUE(ListAt(object, "/list").empty());
  for (const json& other : {json(), json(7), json("a"), json::array({1})}) {
    EXPECT_EQ(NameOf(other), "");
    EXPECT_TRUE(ValueAt(other, "/metadata").is_null());
    EXPECT_TRUE(ListAt(other, "/items").is_array());
  }
}

TEST(ObjectFieldsTest, AnObjectIsFoundByItsNameOrNotAtAll) {
  const json items = json::parse(R"([null, {"metadata": {"name": "a"}, "x": 1},
                                     {"metadata": {"name": "b"}, "x": 2}])");
  EXPECT_EQ(Named(items, "b")["x"], 2);
  EXPECT_TRUE(Named(items, "c").is_null());
  EXPECT_TRUE(Named(7, "a").is_null());
}

TEST(ObjectFieldsTest, ObjectsAreCalledAsPeopleCallThem) {
  EXPECT_EQ(ObjectName("Node", "", "n1"), "Node n1");
  EXPECT_EQ(ObjectName(json{{"kind", "Pod"}, {"metadata", {{"namespace", "a"}, {"name", "b"}}}}),
            "Pod a/b");
}

}  // namespace
}  // namespace nodedevice::testing
