// The exact search: bounds from both sides meet. A question for a threshold between the proved
// lower bound and the incumbent (ThresholdSearch) moves one of them, whatever the answer is, so at
// any time the gap that is reported is proved. A threshold close to the lower bound is refuted
// quickly and one close to the incumbent is undercut quickly; the last question, for anything
// better than the incumbent, is the proof that it is optimal.
//
// A question may use a number of nodes. When neither the middle nor the two ends could be answered
// with it, it grows, and a local search as long looks for a better incumbent. All of this counts
// nodes and never looks at the clock, so a search that ends by its nodes or by its proof gives the
// same result each time.

namespace NanoFlow.Planning.Search;

public static class BranchAndBound
{
    private const long FirstQuestionNodes = 256;
    private const long QuestionGrowth = 4;

    // Where thresholds lie between the bounds, in eighths: the middle, low, the incumbent itself.
    private const int Eighths = 8;
    private static readonly int[] Places = [4, 1, Eighths];

    // Closer bounds are not worth halving again.
    private const double CloseGap = 0.005;

    /// <summary>The best lanes and orders found within the limits.</summary>
    public static CyclicSolution Solve(CyclicProblem problem, SearchLimits limits)
    {
        var budget = new Budget(limits);
        var incumbent = new Incumbent(problem);
        var bound = LowerBounds.Of(problem);
        incumbent.Offer(ListSchedule.Of(problem), bound);
        var search = new ThresholdSearch(problem, incumbent, budget);
        var local = new LocalSearch(problem, incumbent, budget);
        var (nodes, answer) = (FirstQuestionNodes, Answer.Yes);
        while (answer != Answer.Ended && bound < incumbent.Period)
        {
            foreach (var place in Places)
            {
                var threshold = Threshold(bound, incumbent.Period, place);
                answer = search.Ask(threshold, bound, nodes);
                if (answer == Answer.No)
                {
                    bound = threshold;
                }
                if (answer != Answer.Open)
                {
                    break;
                }
            }
            if (answer == Answer.Open)
            {
                nodes *= QuestionGrowth;
                local.Improve(nodes, bound);
            }
        }
        return new CyclicSolution(
            incumbent.Lanes(), incumbent.Order, incumbent.Period, bound, budget.Nodes);
    }

    // Whole numbers, as they scale nothing, unless only the incumbent is left.
    private static Period Threshold(Period bound, Period best, int eighths)
    {
        var threshold = Period.Between(bound, best, eighths, Eighths);
        var isClose = best.Nanoseconds - bound.Nanoseconds < CloseGap * best.Nanoseconds;
        return eighths == Eighths || isClose || threshold <= bound ? best : threshold;
    }
}
