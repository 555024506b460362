// Content that is a string or a list of blocks of text. Other kinds of blocks are refused, because
// dropping one would change the question.

using System.Text.Json;

namespace NanoFlow.Server.Protocol;

internal static class TextBlocks
{
    /// <param name="types">What a block of text may be called.</param>
    public static IReadOnlyList<string> Parse(
        JsonElement content, string param, IReadOnlyList<string> types) => content.ValueKind switch
        {
            JsonValueKind.String => [RequestFields.TextOf(content, param)],
            JsonValueKind.Array => content.EnumerateArray()
                .Select((item, index) => One(item, $"{param}[{index}]", types)).ToArray(),
            _ => throw RequestRefusedException.Invalid(
                $"'{param}' must be a string or a list of text blocks", param),
        };

    private static string One(JsonElement item, string path, IReadOnlyList<string> types)
    {
        var block = new RequestFields(item, path);
        var type = block.Text("type");
        return types.Contains(type)
            ? TextOf(block, "text", path)
            : throw new RequestRefusedException(ApiError.NotSupported(
                path + ".type",
                $"'{path}' is of type '{Quote.Cut(type ?? "")}'; supported are "
                + string.Join(", ", types)));
    }

    /// <summary>A field that a block must have.</summary>
    public static string TextOf(RequestFields block, string name, string path) =>
        block.Text(name) ?? throw RequestRefusedException.Invalid(
            $"'{path}.{name}' is missing", $"{path}.{name}");
}
