using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar.Patterns;

/// <summary>The syntax tree of a pattern.</summary>
internal abstract record RegexNode
{
    /// <summary>It may match nothing.</summary>
    public abstract bool IsNullable { get; }
}

internal sealed record RegexSet(CodePoints Set) : RegexNode
{
    public override bool IsNullable => false;
}

internal sealed record RegexSequence(IReadOnlyList<RegexNode> Items) : RegexNode
{
    public override bool IsNullable { get; } = Items.All(static item => item.IsNullable);
}

internal sealed record RegexChoice(IReadOnlyList<RegexNode> Branches) : RegexNode
{
    public override bool IsNullable { get; } = Branches.Any(static branch => branch.IsNullable);
}

/// <summary>Maximum ProgramBuilder.NoLimit: any number of times.</summary>
internal sealed record RegexRepeat(RegexNode Body, int Minimum, int Maximum) : RegexNode
{
    public override bool IsNullable { get; } = Minimum == 0 || Body.IsNullable;
}

/// <summary>^ or $: allowed at the outer ends only.</summary>
internal sealed record RegexAnchor(bool IsStart) : RegexNode
{
    public override bool IsNullable => true;
}
