namespace NanoFlow.Grammar;

/// <summary>Schemas come from strangers: whatever they make grow has an end here.</summary>
public static class GrammarLimits
{
    /// <summary>Schemas that people write stay below 50 KiB.</summary>
    public const int SchemaBytes = 256 * 1024;

    /// <summary>Levels of JSON within a schema, and of groups within a pattern.</summary>
    public const int SchemaDepth = 64;

    /// <summary>Schemas within a schema, counted as often as anyOf within allOf multiplies them. A
    /// schema of 256 KiB without that has below 30,000.</summary>
    public const int Schemas = 50_000;

    /// <summary>Instructions of a program, 16 bytes each. 10,000 enum values of 20 bytes are
    /// 200,000.</summary>
    public const int Instructions = 1 << 20;

    /// <summary>Compiling takes milliseconds; what takes longer than this is an attack.</summary>
    public static readonly TimeSpan CompileTime = TimeSpan.FromSeconds(5);

    /// <summary>Frames on the stack while text is generated: levels of the answer that recursion
    /// makes, and counted repeats. 64 is also where usual JSON readers stop.</summary>
    public const int StackDepth = 64;

    /// <summary>Ways of reading the text so far that are followed at once. Ways beyond it are let
    /// go, which leaves fewer answers, all of them valid.</summary>
    public const int Readings = 1024;

    /// <summary>Work on one mask, in readings looked at: about 10 ms. Beyond it tokens that were
    /// not reached are not allowed this time.</summary>
    public const int MaskWork = 100_000;

    /// <summary>Compiled grammars with their automata that are kept for the next request.</summary>
    public const long GrammarBytes = 256L << 20;

    /// <summary>States of one automaton; beyond it they are forgotten and found again.</summary>
    public const long AutomatonBytes = 32L << 20;

    /// <summary>Characters that minLength and maxLength may name, elements that minItems and
    /// maxItems may.</summary>
    public const int Repeat = 1_000_000;
}
