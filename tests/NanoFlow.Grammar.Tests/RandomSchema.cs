// Random schemas over the keywords that are followed, of all shapes, small enough that random
// tokens come to an end.

using System.Text.Json.Nodes;

namespace NanoFlow.Grammar.Tests;

internal sealed class RandomSchema(Random random)
{
    private static readonly string[] Names =
        ["a", "b", "name", "größe", "x\"y", "with space", "日本", "ab", "n\\n"];

    private static readonly string[] Patterns =
        ["^[a-z]{1,5}$", "^(?:ab|cd)+$", "b", "^\\d{3}-\\d{2}$", "^[^a-z]*$", "^(a|b)?c*$"];

    private static readonly string[] Formats = ["date", "date-time", "uuid", "ipv4", "email"];

    public JsonObject Next()
    {
        var schema = Schema(3);
        schema["$defs"] = new JsonObject
        {
            ["leaf"] = Scalar(),
            ["list"] = new JsonObject
            {
                ["type"] = "object",
                ["properties"] = new JsonObject
                {
                    ["v"] = Scalar(),
                    ["next"] = new JsonObject
                    {
                        ["anyOf"] = new JsonArray(
                            new JsonObject { ["$ref"] = "#/$defs/list" },
                            new JsonObject { ["type"] = "null" }),
                    },
                },
                ["required"] = new JsonArray("next"),
                ["additionalProperties"] = false,
            },
        };
        return schema;
    }

    private JsonObject Schema(int depth) => random.Next(depth == 0 ? 4 : 10) switch
    {
        < 3 => Scalar(),
        3 => new JsonObject { ["$ref"] = random.Next(2) == 0 ? "#/$defs/leaf" : "#/$defs/list" },
        < 7 => Object(depth),
        7 => Array(depth),
        8 => new JsonObject
        {
            [random.Next(2) == 0 ? "anyOf" : "oneOf"] =
                new JsonArray(Schema(depth - 1), Schema(depth - 1)),
        },
        _ => AllOf(depth),
    };

    private JsonObject Object(int depth)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var name in Names.Where(_ => random.Next(3) == 0))
        {
            properties[name] = Schema(depth - 1);
            if (random.Next(2) == 0)
            {
                required.Add(name);
            }
        }
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = required,
        };
        if (random.Next(2) == 0)
        {
            schema["additionalProperties"] = random.Next(3) == 0 ? Scalar() : false;
        }
        return schema;
    }

    private JsonObject Array(int depth)
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = Schema(depth - 1) };
        if (random.Next(3) == 0)
        {
            schema["prefixItems"] = new JsonArray(Schema(depth - 1), Scalar());
        }
        var least = random.Next(4);
        schema["minItems"] = least;
        schema["maxItems"] = least + random.Next(3);
        return schema;
    }

    private JsonObject AllOf(int depth) => new()
    {
        ["allOf"] = new JsonArray(
            new JsonObject
            {
                ["type"] = "object",
                ["properties"] = new JsonObject { ["p"] = Scalar() },
                ["required"] = new JsonArray("p"),
            },
            new JsonObject
            {
                ["properties"] = new JsonObject { ["q"] = Schema(depth - 1) },
            }),
    };

    private JsonObject Scalar() => random.Next(9) switch
    {
        0 => new JsonObject { ["type"] = "boolean" },
        1 => Number("integer"),
        2 => Number("number"),
        3 => new JsonObject { ["type"] = new JsonArray("string", "null"), ["maxLength"] = 8 },
        4 => Length(),
        5 => new JsonObject { ["type"] = "string", ["pattern"] = Pick(Patterns) },
        6 => new JsonObject { ["type"] = "string", ["format"] = Pick(Formats) },
        7 => new JsonObject { ["enum"] = new JsonArray("red", "rose", 1, null, "été") },
        _ => new JsonObject { ["const"] = new JsonObject { ["k"] = new JsonArray(1, "x") } },
    };

    private JsonObject Length()
    {
        var least = random.Next(5);
        return new JsonObject
        {
            ["type"] = "string",
            ["minLength"] = least,
            ["maxLength"] = least + random.Next(40),
        };
    }

    private JsonObject Number(string type)
    {
        var schema = new JsonObject { ["type"] = type };
        var low = random.Next(-2000, 2000);
        if (random.Next(3) > 0)
        {
            schema[random.Next(2) == 0 ? "minimum" : "exclusiveMinimum"] = low;
        }
        if (random.Next(3) > 0)
        {
            schema[random.Next(2) == 0 ? "maximum" : "exclusiveMaximum"] =
                low + 2 + random.Next(random.Next(2) == 0 ? 10 : 5000);
        }
        return schema;
    }

    private string Pick(string[] from) => from[random.Next(from.Length)];
}
