// Faults that a scheduler might have, planted to prove that the simulation sees them.
//
// They are planted from outside, so that the product carries no switches for its own tests: either
// in what crosses its border (calls, written parts, tokens) or, through InternalsVisibleTo, in its
// state between two calls, which is then exactly what the faulty code would have left behind.

using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

/// <summary>No fault; each planted one overrides a hook.</summary>
internal class Fault
{
    /// <summary>End tokens as the scheduler gets them.</summary>
    public virtual int[] OnEndTokens(int[] tokens) => tokens;

    public virtual void AfterEnqueue(Scheduler scheduler, Sequence sequence)
    {
    }

    public virtual void BeforeTick(Scheduler scheduler)
    {
    }

    public virtual void BeforeExecute(Scheduler scheduler, long step)
    {
    }

    public virtual bool DropsCancel(Sequence sequence) => false;

    public virtual void OnTokens(int[] tokens)
    {
    }

    public virtual IStepWriter Wrap(IStepWriter writer) => writer;
}

/// <summary>A fault in the parts of a step.</summary>
internal abstract class PartFault : Fault, IStepWriter
{
    private IStepWriter _writer = null!;

    public override IStepWriter Wrap(IStepWriter writer)
    {
        _writer = writer;
        return this;
    }

    public abstract void Add(
        Sequence sequence, SequencePart part, ReadOnlySpan<int> pages, ReadOnlySpan<int> tokens);

    protected void Pass(
        Sequence sequence, SequencePart part, ReadOnlySpan<int> pages, ReadOnlySpan<int> tokens) =>
        _writer.Add(sequence, part, pages, tokens);
}
