// A chat template: the Jinja2 program, published with a model, that turns messages into a prompt.
// Parsed once, immutable; rendering runs it over values of our own that reach no object of the
// host. As Hugging Face does, blocks are trimmed (trim_blocks, lstrip_blocks).

using System.Text.Json;
using NanoFlow.Tokenization.Templates;

namespace NanoFlow.Tokenization;

public sealed class ChatTemplate
{
    // Published templates stay below 20 thousand characters.
    private const int MaximumSource = 1024 * 1024;

    // Variables that only ChatTemplateInput itself sets, and arguments of the function that renders
    // templates elsewhere, which programs in the wild may pass on as they come.
    public static IReadOnlySet<string> ReservedNames { get; } = new HashSet<string>
    {
        "messages", "tools", "tokenize", "add_generation_prompt", "bos_token", "eos_token",
        "chat_template", "conversation", "continue_final_message",
    };

    private readonly Block _body;

    private ChatTemplate(Block body)
    {
        _body = body;
    }

    public static ChatTemplate Parse(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Length > MaximumSource)
        {
            throw new ChatTemplateException(
                $"chat template: {source.Length} characters, at most {MaximumSource}");
        }
        return new ChatTemplate(TemplateParser.Parse(source));
    }

    public string Render(ChatTemplateInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Messages.ValueKind != JsonValueKind.Array)
        {
            throw new ChatTemplateException("chat template: messages must be an array");
        }
        var globals = Globals.Create();
        foreach (var (name, value) in input.Variables)
        {
            globals[name] = ReservedNames.Contains(name)
                ? throw new ChatTemplateException($"chat template: variable '{name}' is reserved")
                : FromJson(name, value, input.Guard);
        }
        globals["messages"] = FromJson("messages", input.Messages, input.Guard);
        globals["tools"] = input.Tools is { } tools
            ? FromJson("tools", tools, input.Guard)
            : Value.None;
        globals["add_generation_prompt"] = Value.Of(input.AddGenerationPrompt);
        SetToken(globals, "bos_token", input.BosToken);
        SetToken(globals, "eos_token", input.EosToken);
        var state = new RenderState(globals, input.Limits, input.Clock);
        _body.Execute(state);
        return state.Output;
    }

    private static Value FromJson(string name, JsonElement json, Func<string, string>? guard)
    {
        try
        {
            return Value.FromJson(json, guard);
        }
        catch (InvalidOperationException e)
        {
            throw new ChatTemplateException(
                $"chat template: '{name}' contains a string that is not valid Unicode", e);
        }
    }

    // A token the tokenizer does not have stays undefined.
    private static void SetToken(Dictionary<string, Value> globals, string name, string? token)
    {
        if (token is not null)
        {
            globals[name] = Value.Of(token);
        }
    }
}
