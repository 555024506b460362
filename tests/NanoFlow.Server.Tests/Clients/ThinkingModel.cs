// Changes a random model's folder so that it thinks before it answers: its template opens the
// thoughts, and counting upwards from there gives "ab", the mark that closes them, "cd" and the end.

using System.Text.Json.Nodes;

namespace NanoFlow.Server.Tests.Clients;

internal static class ThinkingModel
{
    // The last special token of a random model; its filler tokens follow.
    private const int Opening = 260;

    private const string ChatTemplate =
        """
        {%- for message in messages %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>' + message['content'] }}
        {%- endfor %}
        {{- '<think>' }}
        """;

    private static readonly string[] Answer = ["ab", "</think>", "cd"];

    public static void Prepare(string folder)
    {
        var tokenizer = Path.Combine(folder, "tokenizer.json");
        File.WriteAllText(
            tokenizer, File.ReadAllText(tokenizer).Replace("<|eot_id|>", "<think>"));
        AlphabetModel.Edit(tokenizer, Rename);
        AlphabetModel.Edit(
            Path.Combine(folder, "tokenizer_config.json"),
            json => json["chat_template"] = ChatTemplate);
        AlphabetModel.Edit(
            Path.Combine(folder, "generation_config.json"),
            json => json["eos_token_id"] = Opening + Answer.Length + 1);
    }

    private static void Rename(JsonNode tokenizer)
    {
        var vocab = tokenizer["model"]!["vocab"]!.AsObject();
        foreach (var (index, text) in Answer.Index())
        {
            var id = Opening + 1 + index;
            vocab.Remove(vocab.First(entry => entry.Value!.GetValue<int>() == id).Key);
            vocab[text] = id;
        }
    }
}
