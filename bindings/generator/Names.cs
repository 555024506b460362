// C names to C# names: nf_engine_create -> EngineCreate, NF_DEVICE_CPU of nf_device_kind -> Cpu.

namespace NanoFlow.Bindings.Generator;

public static class Names
{
    private const string Prefix = "nf_";

    /// <summary>nf_engine_options -> NfEngineOptions.</summary>
    public static string Type(string name) => Pascal(name);

    /// <summary>nf_engine_create -> EngineCreate.</summary>
    public static string Function(string name) => Pascal(WithoutPrefix(name));

    /// <summary>max_step_rows -> MaxStepRows.</summary>
    public static string Field(string name) => Pascal(name);

    /// <summary>timeout_us -> timeoutUs.</summary>
    public static string Parameter(string name)
    {
        var pascal = Pascal(name);
        var camel = char.ToLowerInvariant(pascal[0]) + pascal[1..];
        return camel is "out" or "ref" or "in" or "params" or "lock" ? "@" + camel : camel;
    }

    /// <summary>
    /// Drops the leading words a constant shares with its enum's name: they only stand in for the
    /// scope that C lacks.
    /// </summary>
    public static string Constant(string enumName, string constant)
    {
        var scope = enumName.Split('_');
        var words = constant.Split('_');
        var shared = 0;
        while (shared < scope.Length && shared < words.Length - 1
            && words[shared].Equals(scope[shared], StringComparison.OrdinalIgnoreCase))
        {
            shared++;
        }
        var name = Pascal(string.Join('_', words[shared..]));
        return char.IsAsciiLetter(name[0])
            ? name
            : throw new BindingException($"{constant}: '{name}' cannot be a C# name");
    }

    private static string WithoutPrefix(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal)
            ? name[Prefix.Length..]
            : throw new BindingException($"{name}: public names start with {Prefix}");

    private static string Pascal(string name) => string.Concat(
        name.Split('_', StringSplitOptions.RemoveEmptyEntries)
            .Select(word => char.ToUpperInvariant(word[0]) + word[1..].ToLowerInvariant()));
}
