// What a started server says: where it is, and a request to copy.

using System.Text.Encodings.Web;
using System.Text.Json;
using NanoFlow.Server;

namespace NanoFlow.Commands;

internal static class Greeting
{
    // An optional file in a model's folder: a JSON list of prompts the model does well on.
    private const string ExamplesFile = "examples.json";
    private const int MaxExamples = 2;
    private const int MaxExamplesBytes = 64 * 1024;

    private static readonly string[] NoExamples = ["Hello!"];

    public static void Write(string address, ServedModel model, string folder, bool hasKey)
    {
        Console.WriteLine(
            $"serving '{string.Join("', '", model.Names)}' with {model.MaxModelLength} tokens "
            + $"of context on {address}");
        foreach (var prompt in Examples(folder))
        {
            Console.WriteLine();
            Console.WriteLine(Curl(address, model, prompt, hasKey));
        }

        Console.WriteLine();
    }

    private static string Curl(string address, ServedModel model, string prompt, bool hasKey)
    {
        var isChat = model.ChatTemplate is not null;
        var path = isChat ? "chat/completions" : "completions";
        var key = hasKey ? " -H \"Authorization: Bearer $KEY\"" : "";
        var question = isChat
            ? $"\"messages\":[{{\"role\":\"user\",\"content\":{Json(prompt)}}}]"
            : $"\"prompt\":{Json(prompt)}";
        var body = $"{{\"model\":{Json(model.Name)},{question}}}";
        return $"  curl {address}/v1/{path} -H 'Content-Type: application/json'{key} "
            + $"-d '{body.Replace("'", "'\\''")}'";
    }

    private static string Json(string text) =>
        $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";

    // The file only decorates the start; when it is odd the server starts without it.
    private static string[] Examples(string folder)
    {
        var file = new FileInfo(Path.Combine(folder, ExamplesFile));
        if (!file.Exists || file.Length > MaxExamplesBytes)
        {
            return NoExamples;
        }

        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file.FullName));
            var prompts = json.RootElement.EnumerateArray().Take(MaxExamples)
                .Select(item => item.GetString()!).ToArray();
            return prompts.Length > 0 ? prompts : NoExamples;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return NoExamples;
        }
    }
}
