// `stop` and `stop_token_ids`.

using System.Globalization;
using System.Text;
using System.Text.Json;

namespace NanoFlow.Server.Protocol;

internal static class StopFields
{
    /// <param name="name">What the API calls them.</param>
    public static IReadOnlyList<string> Strings(
        RequestFields fields, RequestCaps caps, string name = "stop")
    {
        if (!fields.TryGet(name, out var value))
        {
            return [];
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            return [Checked(RequestFields.TextOf(value, name), name)];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            throw RequestRefusedException.Invalid(
                $"'{name}' must be a string or a list of strings", name);
        }

        if (value.GetArrayLength() > caps.MaxStopStrings)
        {
            throw RequestRefusedException.Invalid(
                $"'{name}' may have at most {caps.MaxStopStrings} strings", name);
        }

        return value.EnumerateArray()
            .Select(item => Checked(RequestFields.TextOf(item, name), name)).ToArray();
    }

    public static IReadOnlyList<int> Tokens(RequestFields fields, int vocabSize)
    {
        const string Name = "stop_token_ids";
        if (!fields.TryGet(Name, out var value))
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array
            || value.GetArrayLength() > ServerLimits.MaxStopTokens)
        {
            throw RequestRefusedException.Invalid(
                $"'{Name}' must be a list of at most {ServerLimits.MaxStopTokens} token ids", Name);
        }

        return value.EnumerateArray().Select(item => TokenId(item, vocabSize, Name)).ToArray();
    }

    /// <summary>A JSON number as a token id of the model.</summary>
    public static int TokenId(JsonElement value, int vocabSize, string param) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id)
            && id >= 0 && id < vocabSize
            ? id
            : throw RequestRefusedException.Invalid(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{param}' must hold token ids from 0 to {vocabSize - 1}, "
                    + $"got {Quote.Cut(value.GetRawText())}"),
                param);

    private static string Checked(string stop, string name)
    {
        if (stop.Length == 0 || Encoding.UTF8.GetByteCount(stop) > ServerLimits.MaxStopBytes)
        {
            throw RequestRefusedException.Invalid(
                $"a string of '{name}' must have 1 to {ServerLimits.MaxStopBytes} bytes", name);
        }

        return stop;
    }
}
