// Calls that are allowed in some places only. One row a rule: what, where it is looked for, where
// it is allowed, and why.

using System.Text.RegularExpressions;

namespace NanoFlow.Tidy.Tests;

public sealed record ApiRule(string Pattern, string[] In, string[] Except, string Reason);

public static class ApiRules
{
    private static readonly string[] Managed = ["src/", "bindings/NanoFlow.Native/"];
    private static readonly string[] Program = ["src/NanoFlow/"];

    public static readonly ApiRule[] Table =
    [
        new(@"\bDateTime(?:Offset)?\.(?:Now|UtcNow|Today)\b", Managed, Program,
            "take a TimeProvider, so that tests own the clock"),
        new(@"\bEnvironment\.GetEnvironmentVariable\b", Managed, Program,
            "options are read in one place"),
        new(@"\bTask\.Run\b", ["src/NanoFlow.Engine/"], [],
            "the engine loop is one thread on purpose"),
        new(@"\bThread\.Sleep\b", ["src/", "bindings/", "tests/"], [],
            "wait for the event, not for time"),
        new(@"\bConsole\.(?:Write|WriteLine|Error|Out)\b", Managed, Program,
            "only the program talks to the terminal"),
        new(@"\b(?:printf|puts|std::cout|std::cerr)\b", ["native/"], [],
            "a library does not print"),
        // The plan fuzzer delays launches at random to shake their order; nothing waits for it.
        new(@"\bsleep_for\b|\busleep\b|\bnanosleep\b", ["native/", "tests/native/"],
            ["tests/native/plan_fuzz.cpp"], "wait for the event, not for time"),
    ];

    public static IEnumerable<string> Offenders(SourceFile file)
    {
        var code = FormRules.Code(file);
        return from rule in Table
               where rule.In.Any(file.IsIn) && !rule.Except.Any(file.IsIn)
               from Match match in Regex.Matches(code, rule.Pattern)
               select $"{file.Path}: {match.Value} ({rule.Reason})";
    }
}
