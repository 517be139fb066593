#!/usr/bin/env python3
"""Validates a CycloneDX document against the official schema. usage: validate.py BOM.json SCHEMA-DIRECTORY

The directory holds bom-1.6.schema.json, bom-1.7.schema.json and the files they refer to.
"""
import json
import pathlib
import sys

from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

bom, schemas = json.load(open(sys.argv[1])), pathlib.Path(sys.argv[2])
registry = Registry()
for path in schemas.glob("*.json"):
    content = json.load(open(path))
    if "$schema" not in content and "$id" not in content and "definitions" not in content:
        continue
    resource = Resource.from_contents(content, default_specification=DRAFT7)
    for name in (path.name, "http://cyclonedx.org/schema/" + path.name, content.get("$id", path.name)):
        registry = registry.with_resource(name, resource)
schema = json.load(open(schemas / f"bom-{bom['specVersion']}.schema.json"))
errors = list(Draft7Validator(schema, registry=registry).iter_errors(bom))
for error in errors[:10]:
    print("/".join(map(str, error.absolute_path)), error.message[:300])
refs = [c["bom-ref"] for c in bom["components"]]
if len(refs) != len(set(refs)):
    print("bom-ref stands twice")
    errors.append(None)
print(f"CycloneDX {bom['specVersion']}: {len(bom['components'])} components, {len(errors)} errors")
sys.exit(1 if errors else 0)
