// The section "quantization_config" of a folder whose weights are stored quantized: one form is
// read, int8 weights with a scale for each output channel and int8 activations with a scale for
// each token. Whatever would mean other numbers than that is refused by the name of its field.

namespace NanoFlow.Models;

internal static class CompressedTensorsConfig
{
    internal const string Field = "quantization_config";

    private const string Method = "compressed-tensors";
    private const string Format = "int-quantized";
    private const string Target = "Linear";

    // The second is how some recipes spell the first.
    private static readonly string[] HeadNames = ["lm_head", "re:.*lm_head"];

    // A list of the modules of every layer would be about this long.
    private const int MaxNames = 10_000;

    private static readonly IntRange Bits = new(8, 8);

    /// <param name="tied">The output projection is the table of embeddings.</param>
    internal static Int8Parts Read(JsonSection json, bool tied)
    {
        if (json.OptionalSection(Field) is not { } section)
        {
            return Int8Parts.None;
        }

        Require(section, "quant_method", Method);
        Require(section, "format", Format);
        ReadGroup(OnlyGroup(section));
        RefuseMore(section);
        var keepsHead = ReadIgnored(section);
        return (keepsHead, tied) switch
        {
            (true, _) => Int8Parts.Layers,
            (false, false) => Int8Parts.Layers | Int8Parts.Head,
            _ => throw section.Error(
                "ignore", $"does not name {HeadNames[0]}, which is the table of embeddings here"),
        };
    }

    private static JsonSection OnlyGroup(JsonSection section)
    {
        var groups = Required(section, "config_groups");
        var names = groups.Fields.Select(field => field.Name).Take(2).ToArray();
        return names is [var name]
            ? Required(groups, name)
            : throw section.Error("config_groups", "does not have one group, supported: one");
    }

    private static void ReadGroup(JsonSection group)
    {
        if (group.Has("format"))
        {
            Require(group, "format", Format);
        }

        if (group.TextList("targets", MaxNames) is not [Target])
        {
            throw group.Error("targets", $"is another list than [\"{Target}\"], as supported");
        }

        ReadElements(Required(group, "weights"), "channel", dynamic: false);
        ReadElements(Required(group, "input_activations"), "token", dynamic: true);
        Refuse(group, "output_activations");
    }

    private static void ReadElements(JsonSection section, string strategy, bool dynamic)
    {
        _ = section.Int("num_bits", Bits);
        Require(section, "type", "int");
        Require(section, "strategy", strategy);
        Require(section, "symmetric", wanted: true);
        Require(section, "dynamic", dynamic);
    }

    // What may stand beside the groups and changes what is computed.
    private static void RefuseMore(JsonSection section)
    {
        Refuse(section, "kv_cache_scheme");
        if (section.OptionalSection("sparsity_config") is { } sparsity && sparsity.Fields.Any())
        {
            Require(sparsity, "format", "dense");
        }

        if (section.OptionalSection("transform_config") is { } transform && transform.Fields.Any())
        {
            throw section.Error("transform_config", "is not empty, supported: none");
        }
    }

    /// <summary>Does the output projection stay as it is?</summary>
    private static bool ReadIgnored(JsonSection section)
    {
        var names = section.Has("ignore") ? section.TextList("ignore", MaxNames) : [];
        return names.FirstOrDefault(name => !HeadNames.Contains(name)) is { } other
            ? throw section.Error("ignore", $"names '{other}', supported: {HeadNames[0]}")
            : names.Count > 0;
    }

    private static JsonSection Required(JsonSection section, string field) =>
        section.OptionalSection(field)
        ?? throw section.Error(field, "is missing, an object is wanted");

    private static void Require(JsonSection section, string field, string wanted)
    {
        var text = section.OptionalText(field);
        if (text != wanted)
        {
            var found = text is null ? "missing" : $"'{text}'";
            throw section.Error(field, $"is {found}, supported: {wanted}");
        }
    }

    private static void Require(JsonSection section, string field, bool wanted)
    {
        var flag = section.OptionalBool(field);
        if (flag != wanted)
        {
            var found = flag is null ? "missing" : Text(!wanted);
            throw section.Error(field, $"is {found}, supported: {Text(wanted)}");
        }

        static string Text(bool value) => value ? "true" : "false";
    }

    private static void Refuse(JsonSection section, string field)
    {
        if (section.Has(field))
        {
            throw section.Error(field, "is present, supported: none");
        }
    }
}
