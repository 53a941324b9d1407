package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	scorecard "github.com/operator-framework/api/pkg/apis/scorecard/v1alpha3"
	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	findings "github.com/operator-framework/api/pkg/validation/errors"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const scorecardFile = "tests/scorecard/config.yaml"

// An example of a custom resource, with what the bundle says of its kind.
type example struct {
	object map[string]any
	owned  *v1alpha1.CRDDescription
	schema *apiextensionsv1.JSONSchemaProps
}

// The tests of `operator-sdk scorecard` are programs in an image, which a cluster pulls. What each asks of a
// bundle is written here once more, by its name: "" is content.
var scorecardTests = map[string]func(example) string{
	"basic-check-spec": func(of example) string {
		if of.object["spec"] == nil {
			return "has no spec"
		}
		return ""
	},
	// The checks "format" and "default" are what it calls.
	"olm-bundle-validation": func(example) string { return "" },
	"olm-crds-have-validation": func(of example) string {
		for _, part := range []string{"spec", "status"} {
			for _, field := range fields(of.object[part]) {
				if of.schema == nil {
					return "no definition has its kind and version"
				}
				if _, ok := of.schema.Properties[part].Properties[field]; !ok {
					return fmt.Sprintf("the schema knows no %s.%s", part, field)
				}
			}
		}
		return ""
	},
	"olm-crds-have-resources": func(of example) string {
		if of.owned == nil || len(of.owned.Resources) == 0 {
			return "its kind has no resources in the ClusterServiceVersion"
		}
		return ""
	},
	"olm-spec-descriptors": func(of example) string {
		for _, field := range fields(of.object["spec"]) {
			described := of.owned != nil && slices.ContainsFunc(of.owned.SpecDescriptors,
				func(one v1alpha1.SpecDescriptor) bool { return one.Path == field })
			if !described {
				return fmt.Sprintf("spec.%s has no descriptor", field)
			}
		}
		return ""
	},
	"olm-status-descriptors": func(of example) string {
		if len(fields(of.object["status"])) > 0 && (of.owned == nil || len(of.owned.StatusDescriptors) == 0) {
			return "has a status, and its kind no descriptor of one"
		}
		return ""
	},
}

func fields(object any) []string {
	of, _ := object.(map[string]any)
	return slices.Sorted(maps.Keys(of))
}

// Each kind that the bundle owns: with the examples of it or, if there is none, without.
func examples(loaded *manifests.Bundle) ([]example, error) {
	var objects []map[string]any
	if err := json.Unmarshal([]byte(loaded.CSV.Annotations["alm-examples"]), &objects); err != nil {
		return nil, fmt.Errorf("alm-examples: %w", err)
	}
	for i := range loaded.CSV.Spec.CustomResourceDefinitions.Owned {
		kind := loaded.CSV.Spec.CustomResourceDefinitions.Owned[i].Kind
		if !slices.ContainsFunc(objects, func(object map[string]any) bool { return object["kind"] == kind }) {
			objects = append(objects, map[string]any{"kind": kind, "spec": map[string]any{}})
		}
	}
	var all []example
	for _, object := range objects {
		one := example{object: object}
		owned := loaded.CSV.Spec.CustomResourceDefinitions.Owned
		if i := slices.IndexFunc(owned, func(crd v1alpha1.CRDDescription) bool { return crd.Kind == object["kind"] }); i >= 0 {
			one.owned = &owned[i]
		}
		for _, crd := range loaded.V1CRDs {
			for _, version := range crd.Spec.Versions {
				same := crd.Spec.Names.Kind == object["kind"] && crd.Spec.Group+"/"+version.Name == object["apiVersion"]
				if same && version.Schema != nil {
					one.schema = version.Schema.OpenAPIV3Schema
				}
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// The configuration of the scorecard, and what each of its tests would say.
func (r *report) scorecard(folder string, loaded *manifests.Bundle) error {
	text, err := os.ReadFile(filepath.Join(folder, scorecardFile))
	if err != nil {
		return err
	}
	asJSON, err := yaml.ToJSON(text)
	if err != nil {
		return fmt.Errorf("%s: %w", scorecardFile, err)
	}
	var configuration scorecard.Configuration
	decoder := json.NewDecoder(bytes.NewReader(asJSON))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&configuration); err != nil {
		r.add(findings.LevelError, "scorecard", fmt.Sprintf("%s: %v", scorecardFile, err))
		return nil
	}
	if configuration.APIVersion != scorecard.GroupVersion.String() || configuration.Kind != scorecard.ConfigurationKind {
		r.add(findings.LevelError, "scorecard", fmt.Sprintf("%s: is not of %s, %s",
			scorecardFile, scorecard.GroupVersion, scorecard.ConfigurationKind))
	}
	all, err := examples(loaded)
	if err != nil {
		return err
	}
	missing := maps.Clone(scorecardTests)
	for _, stage := range configuration.Stages {
		for _, test := range stage.Tests {
			name := ""
			if len(test.Entrypoint) == 2 && test.Entrypoint[0] == "scorecard-test" {
				name = test.Entrypoint[1]
			}
			says, ok := scorecardTests[name]
			if !ok || test.Image == "" || test.Labels["suite"] == "" || test.Labels["test"] != name+"-test" {
				r.add(findings.LevelError, "scorecard", fmt.Sprintf("%s: no test is %v", scorecardFile, test))
				continue
			}
			delete(missing, name)
			for _, one := range all {
				if said := says(one); said != "" {
					r.add(findings.LevelError, "scorecard", fmt.Sprintf("%s: %v: %s", name, one.object["kind"], said))
				}
			}
		}
	}
	for name := range missing {
		r.add(findings.LevelError, "scorecard", fmt.Sprintf("%s: %s is not called", scorecardFile, name))
	}
	return nil
}
