// Changes a random model's folder so that counting upwards gives text worth reading: letters, then
// characters of four, two and three bytes, among them a line separator that is legal in JSON and
// ends a line in JavaScript, then the end. The answer goes on from the last letter of the question.

using System.Text;
using System.Text.Json.Nodes;

namespace NanoFlow.Server.Tests.Clients;

internal static class AlphabetModel
{
    // The last ids before the special tokens, the second of which ends an answer.
    private const string Sequence = "abcdefghijklmnopqrstuvwxyz\U0001F642\u00E9\u4E16\u2028";

    private const string ChatTemplate =
        """
        {%- for message in messages %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>' + message['content'] }}
        {%- endfor %}
        """;

    public static void Prepare(string folder)
    {
        Edit(Path.Combine(folder, "tokenizer.json"), Reorder);
        Edit(
            Path.Combine(folder, "tokenizer_config.json"),
            json => json["chat_template"] = ChatTemplate);
    }

    // A random model's id of a byte is its value; here the bytes of the sequence come last.
    private static void Reorder(JsonNode tokenizer)
    {
        var vocab = tokenizer["model"]!["vocab"]!.AsObject();
        var symbols = vocab.ToDictionary(entry => entry.Value!.GetValue<int>(), entry => entry.Key);
        var last = Encoding.UTF8.GetBytes(Sequence).Select(value => (int)value).ToArray();
        var order = Enumerable.Range(0, 256).Except(last).Concat(last);
        foreach (var (id, value) in order.Index())
        {
            vocab[symbols[value]] = id;
        }
    }

    private static void Edit(string path, Action<JsonNode> change)
    {
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }
}
