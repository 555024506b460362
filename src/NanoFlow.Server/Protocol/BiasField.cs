// `logit_bias`: {"token id": bias}. Ids are JSON names, so they arrive as text; the same id written
// twice in different ways ("7", "07") is refused.

using System.Globalization;
using System.Text.Json;
using NanoFlow.Scheduling;

namespace NanoFlow.Server.Protocol;

internal static class BiasField
{
    private const string Name = "logit_bias";

    public static IReadOnlyList<TokenBias> Parse(
        RequestFields fields, int vocabSize, RequestCaps caps)
    {
        if (!fields.TryGet(Name, out var value))
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            throw RequestRefusedException.Invalid(
                $"'{Name}' must be an object of token ids and biases", Name);
        }

        if (value.GetPropertyCount() > caps.MaxLogitBias)
        {
            throw RequestRefusedException.Invalid(
                $"'{Name}' may have at most {caps.MaxLogitBias} entries", Name);
        }

        var biases = new List<TokenBias>(value.GetPropertyCount());
        foreach (var property in value.EnumerateObject())
        {
            biases.Add(new TokenBias(Id(property, vocabSize), Bias(property.Value)));
        }

        return biases;
    }

    // Digits only and no leading zero: one way to write each id.
    private static int Id(JsonProperty property, int vocabSize)
    {
        var text = RequestFields.NameOf(property);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            && id < vocabSize && (text[0] != '0' || text.Length == 1)
            ? id
            : throw RequestRefusedException.Invalid(
                $"a name in '{Name}' must be a token id from 0 to {vocabSize - 1}, "
                + $"got '{Quote.Cut(text)}'",
                Name);
    }

    private static float Bias(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var bias)
            && FieldTable.Bias.Allows(bias)
            ? (float)bias
            : throw RequestRefusedException.Invalid(
                $"a value in '{Name}' must be {FieldTable.Bias.Range}, "
                + $"got {Quote.Cut(value.GetRawText())}",
                Name);
}
