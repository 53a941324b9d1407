package main

import (
	"fmt"

	"github.com/operator-framework/api/crds"
	"github.com/operator-framework/api/pkg/manifests"
	findings "github.com/operator-framework/api/pkg/validation/errors"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	schemavalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
)

// What an API server would say of an object whose kind this definition describes, but for rules in CEL:
// wrong values, missing fields, and fields that it would drop without a word.
func judge(object map[string]any, version string, definition *apiextensionsv1.CustomResourceDefinition) ([]string, error) {
	for _, described := range definition.Spec.Versions {
		if described.Name != version {
			continue
		}
		var validation apiextensions.CustomResourceValidation
		err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(
			described.Schema, &validation, nil)
		if err != nil {
			return nil, err
		}
		validator, _, err := schemavalidation.NewSchemaValidator(validation.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		structural, err := schema.NewStructural(validation.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		var texts []string
		for _, one := range schemavalidation.ValidateCustomResource(nil, object, validator) {
			texts = append(texts, one.Error())
		}
		for _, path := range pruning.PruneWithOptions(object, structural, true,
			schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
			texts = append(texts, path+": there is no such field")
		}
		return texts, nil
	}
	return []string{"the version " + version + " is not described"}, nil
}

// The ClusterServiceVersion itself, and the examples that the console puts before people.
func (r *report) schemas(loaded *manifests.Bundle) error {
	definitions := map[string]*apiextensionsv1.CustomResourceDefinition{
		"ClusterServiceVersion": crds.ClusterServiceVersion(),
	}
	for _, definition := range loaded.V1CRDs {
		definitions[definition.Spec.Names.Kind] = definition
	}
	var objects []*unstructured.Unstructured
	for _, object := range loaded.Objects {
		if object.GetKind() == "ClusterServiceVersion" {
			objects = append(objects, object)
		}
	}
	var examples []any
	if err := json.Unmarshal([]byte(loaded.CSV.Annotations["alm-examples"]), &examples); err != nil {
		return fmt.Errorf("alm-examples: %w", err)
	}
	for _, example := range examples {
		if fields, ok := example.(map[string]any); ok {
			objects = append(objects, &unstructured.Unstructured{Object: fields})
		}
	}
	for _, object := range objects {
		definition, ok := definitions[object.GetKind()]
		if !ok {
			continue // of which the default checks complain
		}
		texts, err := judge(object.DeepCopy().Object, object.GroupVersionKind().Version, definition)
		if err != nil {
			return fmt.Errorf("the schema of %s: %w", object.GetKind(), err)
		}
		for _, text := range texts {
			r.add(findings.LevelError, "schema", fmt.Sprintf("%s %s: %s", object.GetKind(), object.GetName(), text))
		}
	}
	return nil
}
