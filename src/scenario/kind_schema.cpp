// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/header.hpp"
#include "waferwatt/scenario/kinds.hpp"

namespace waferwatt::scenario {

io::Value json_schema(const Kind& kind) {
  io::Value schema = io::json_schema(Header::record());
  const io::Value own = io::json_schema(kind.record());
  schema["description"] = *own.find("description");
  schema["properties"]["schema"]["const"] = io::Value{kSchema};
  schema["properties"]["kind"]["const"] = io::Value{kind.name};
  for (const auto& [key, value] : *own.find("properties")->get_if<io::Value::Object>())
    schema["properties"][key] = value;

  // A file that extends another may leave required members to it.
  io::Value::List required = *schema.find("required")->get_if<io::Value::List>();
  for (const auto& key : *own.find("required")->get_if<io::Value::List>()) required.push_back(key);
  io::merge_patch(schema, io::Value{io::Value::Object{{"required", io::Value{}}}});
  schema["if"]["not"]["required"] = io::Value::List{io::Value{"extends"}};
  schema["then"]["required"] = std::move(required);

  io::Value document{io::Value::Object{{"$schema", io::Value{"https://json-schema.org/draft/2020-12/schema"}}}};
  io::merge_patch(document, schema);
  return document;
}

}  // namespace waferwatt::scenario
