// Token ids in an answer, for requests that ask for them.

using System.Text.Json;

namespace NanoFlow.Server.Responses;

internal static class TokenIds
{
    public static void Write(Utf8JsonWriter json, string name, IReadOnlyList<int> ids)
    {
        json.WriteStartArray(name);
        foreach (var id in ids)
        {
            json.WriteNumberValue(id);
        }

        json.WriteEndArray();
    }
}
