#include "devicemanager/pod.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string Error(std::string_view yaml) { return std::string(ParsePod(yaml).status().message()); }

// A pod whose one container has these resources, as YAML flow text.
std::string WithResources(const std::string& resources) {
  return "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, "
         "resources: " +
         resources + "}]}}";
}

TEST(PodTest, ReadsNameContainersAndLimits) {
  const auto pod = ParsePod(R"(
apiVersion: v1
kind: Pod
metadata: {name: demo, namespace: lab, uid: 1234-5678}
spec:
  initContainers:
  - {name: prepare, resources: {limits: {example.com/a: 1}}}
  - {name: proxy, restartPolicy: Always, resources: {limits: {example.com/a: "2"}}}
  containers:
  - name: main
    image: registry.example/app
    resources:
      limits: {cpu: 500m, memory: 1Gi, hugepages-2Mi: 4Mi, example.com/a: 3, example.com/b: 1}
      requests: {cpu: 100m, example.com/a: 3}
  - {name: idle}
)");
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(pod->name, "demo");
  EXPECT_EQ(pod->namespace_name, "lab");
  EXPECT_EQ(pod->uid, "1234-5678");
  ASSERT_EQ(pod->containers.size(), 4u);
  EXPECT_EQ(pod->containers[0].kind, ContainerKind::kInit);
  EXPECT_THAT(pod->containers[0].limits, ElementsAre(Pair("example.com/a", 1)));
  EXPECT_EQ(pod->containers[1].kind, ContainerKind::kSidecar);
  EXPECT_THAT(pod->containers[1].limits, ElementsAre(Pair("example.com/a", 2)));
  EXPECT_EQ(pod->containers[2].kind, ContainerKind::kApp);
  EXPECT_THAT(pod->containers[2].limits,
              ElementsAre(Pair("example.com/a", 3), Pair("example.com/b", 1)));
  EXPECT_THAT(pod->containers[3].limits, IsEmpty());
}

TEST(PodTest, TheNamespaceIsDefaultAndTheUidEmptyWhenAbsent) {
  const auto pod = ParsePod(WithResources("{}"));
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(pod->namespace_name, "default");
  EXPECT_EQ(pod->uid, "");
}

TEST(PodTest, AQuantityIsAWholeNumber) {
  for (const char* quantity : {"1.5", "-1", "1Ki", "many", "true", "[1]", "99999999999", "500m"}) {
    EXPECT_THAT(Error(WithResources("{limits: {example.com/a: " + std::string(quantity) + "}}")),
                HasSubstr("spec.containers[0].resources.limits[example.com/a]: must be a whole "
                          "number of devices"))
        << quantity;
  }
}

TEST(PodTest, AnInvalidResourceNameIsAnErrorWithItsField) {
  EXPECT_THAT(Error(WithResources("{limits: {example.com/a/b: 1}}")),
              HasSubstr("spec.containers[0].resources.limits[example.com/a/b]: "));
}

TEST(PodTest, NativeResourcesAreIgnored) {
  const auto pod = ParsePod(
      WithResources("{limits: {cpu: 1.5, ephemeral-storage: 1Gi, attachable.kubernetes.io/x: 1}}"));
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_THAT(pod->containers[0].limits, IsEmpty());
}

TEST(PodTest, ARequestMustEqualTheLimit) {
  const std::string message =
      "spec.containers[0].resources.requests[example.com/a]: must equal the limit";
  EXPECT_THAT(Error(WithResources("{requests: {example.com/a: 1}}")), HasSubstr(message));
  EXPECT_THAT(Error(WithResources("{requests: {example.com/a: 1}, limits: {example.com/a: 2}}")),
              HasSubstr(message));
}

TEST(PodTest, OtherDocumentsAreRefusedWithTheFieldThatTells) {
  EXPECT_THAT(Error(""), HasSubstr("not a Pod"));
  EXPECT_THAT(Error("[1, 2]"), HasSubstr("not a Pod"));
  EXPECT_THAT(Error("{kind: Pod}"), HasSubstr("apiVersion: must be v1"));
  EXPECT_THAT(Error("{apiVersion: v1, kind: Service}"), HasSubstr("kind: 'Service' is not Pod"));
  EXPECT_THAT(Error("{apiVersion: v1, kind: Pod}"), HasSubstr("metadata: is required"));
  EXPECT_THAT(Error("{apiVersion: v1, kind: Pod, metadata: {}}"),
              HasSubstr("metadata.name: is required"));
  EXPECT_THAT(Error("{apiVersion: v1, kind: Pod, metadata: {name: 7}}"),
              HasSubstr("metadata.name: must be a string"));
  EXPECT_THAT(Error("{apiVersion: v1, kind: Pod, metadata: {name: p}}"),
              HasSubstr("spec: is required"));
  EXPECT_THAT(Error("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {}}"),
              HasSubstr("spec.containers: is required"));
  EXPECT_THAT(Error("a: [1"), HasSubstr("line 1"));
}

TEST(PodTest, ContainersAreCheckedWithTheirIndex) {
  const std::string start = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: ";
  EXPECT_THAT(Error(start + "{}}}"), HasSubstr("spec.containers: must be a list"));
  EXPECT_THAT(Error(start + "[7]}}"), HasSubstr("spec.containers[0]: must be a container"));
  EXPECT_THAT(Error(start + "[{}]}}"), HasSubstr("spec.containers[0].name: is required"));
  EXPECT_THAT(Error(start + "[{name: a}, {name: a}]}}"),
              HasSubstr("spec.containers[1].name: 'a' stands here twice"));
  EXPECT_THAT(Error(start + "[{name: a}], initContainers: [{name: b, restartPolicy: Never}]}}"),
              HasSubstr("spec.initContainers[0].restartPolicy: 'Never' is not Always"));
  EXPECT_THAT(Error(WithResources("7")), HasSubstr("spec.containers[0].resources: must be a map"));
  EXPECT_THAT(Error(WithResources("{limits: 7}")),
              HasSubstr("spec.containers[0].resources.limits: must be a map"));
}

}  // namespace
}  // namespace nodedevice::devicemanager
