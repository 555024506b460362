// What is proved about a program before it runs. Heights: how deep a stack each instruction needs
// to come to an end, so that no way is begun that cannot be finished. Left recursion: a rule that
// calls itself before it reads a byte would be entered without end.

namespace NanoFlow.Grammar.Machine;

internal static class ProgramChecks
{
    // The least deep way out of every instruction: heights only fall, and a change wakes those that
    // lead to it.
    public static int[] Heights(
        Instruction[] code, IReadOnlyList<int> rules, IReadOnlyList<Repeat> repeats)
    {
        var users = Users(code, rules, repeats);
        var heights = new int[code.Length];
        Array.Fill(heights, GrammarProgram.Unreachable);
        var isWaiting = new bool[code.Length];
        var work = new Queue<int>();
        for (var i = 0; i < code.Length; i++)
        {
            if (code[i].Op == Op.End)
            {
                heights[i] = 0;
                users.Wake(i, work, isWaiting);
            }
        }
        while (work.TryDequeue(out var at))
        {
            isWaiting[at] = false;
            var height = HeightOf(code[at], heights, rules, repeats);
            if (height < heights[at])
            {
                heights[at] = height;
                users.Wake(at, work, isWaiting);
            }
        }
        return heights;
    }

    // A call into the component of branches that it stands in itself. Cycles of plain branches are
    // loops whose body may be empty: harmless.
    public static void RefuseLeftRecursion(
        Instruction[] code, IReadOnlyList<int> rules, IReadOnlyList<Repeat> repeats)
    {
        var nullable = Nullable(code, rules, repeats);
        var component = Components(
            code.Length, (at, step) => Reached(code[at], step, rules, repeats, nullable));
        for (var i = 0; i < code.Length; i++)
        {
            if (code[i].Op is Op.Call or Op.Loop
                && Reached(code[i], 0, rules, repeats, nullable) is { } inner
                && component[inner] == component[i])
            {
                throw new GrammarException("a $ref leads back to itself with nothing in between");
            }
        }
    }

    // Strongly connected components, as Tarjan finds them, without recursion.
    private static int[] Components(int count, Func<int, int, int?> reached)
    {
        var order = new int[count]; // from 1, in the order of discovery; 0: not seen
        var low = new int[count];
        var component = new int[count];
        var open = new Stack<int>();
        var path = new Stack<(int At, int Step)>();
        var seen = 0;
        for (var root = 0; root < count; root++)
        {
            path.Push((root, 0));
            while (path.TryPop(out var visit))
            {
                var (at, step) = visit;
                if (step == 0)
                {
                    if (order[at] != 0)
                    {
                        continue;
                    }
                    order[at] = low[at] = ++seen;
                    component[at] = -1;
                    open.Push(at);
                }
                else if (reached(at, step - 1) is { } before && component[before] < 0)
                {
                    low[at] = Math.Min(low[at], low[before]);
                }
                if (reached(at, step) is { } next)
                {
                    path.Push((at, step + 1));
                    path.Push((next, 0));
                }
                else if (low[at] == order[at])
                {
                    Close(at, open, component);
                }
            }
        }
        return component;
    }

    private static void Close(int root, Stack<int> open, int[] component)
    {
        int member;
        do
        {
            member = open.Pop();
            component[member] = root + 1;
        }
        while (member != root);
    }

    // What can be reached from an instruction without reading: first, second, none.
    private static int? Reached(
        Instruction instruction,
        int step,
        IReadOnlyList<int> rules,
        IReadOnlyList<Repeat> repeats,
        bool[] nullable) => (instruction.Op, step) switch
        {
            (Op.Split, 0) => instruction.Next,
            (Op.Split, 1) => instruction.X,
            (Op.Call, 0) => rules[instruction.X],
            (Op.Call, 1) when nullable[rules[instruction.X]] => instruction.Next,
            (Op.Loop, 0) => repeats[instruction.X].Body,
            (Op.Loop, 1) when IsSkipped(repeats[instruction.X], nullable) => instruction.Next,
            _ => null,
        };

    private static bool IsSkipped(Repeat repeat, bool[] nullable) =>
        repeat.Minimum == 0 || nullable[repeat.Body];

    // Which instructions come to their rule's end without reading.
    private static bool[] Nullable(
        Instruction[] code, IReadOnlyList<int> rules, IReadOnlyList<Repeat> repeats)
    {
        var users = Users(code, rules, repeats);
        var nullable = new bool[code.Length];
        var isWaiting = new bool[code.Length];
        var work = new Queue<int>();
        for (var i = 0; i < code.Length; i++)
        {
            if (code[i].Op == Op.End)
            {
                nullable[i] = true;
                users.Wake(i, work, isWaiting);
            }
        }
        while (work.TryDequeue(out var at))
        {
            isWaiting[at] = false;
            var instruction = code[at];
            var isEmpty = instruction.Op switch
            {
                Op.Split => nullable[instruction.Next] || nullable[instruction.X],
                Op.Call => nullable[rules[instruction.X]] && nullable[instruction.Next],
                Op.Loop => IsSkipped(repeats[instruction.X], nullable)
                    && nullable[instruction.Next],
                _ => false,
            };
            if (isEmpty && !nullable[at])
            {
                nullable[at] = true;
                users.Wake(at, work, isWaiting);
            }
        }
        return nullable;
    }

    private static int HeightOf(
        Instruction instruction,
        int[] heights,
        IReadOnlyList<int> rules,
        IReadOnlyList<Repeat> repeats)
    {
        switch (instruction.Op)
        {
            case Op.Range:
                return heights[instruction.Next];
            case Op.Split:
                return Math.Min(heights[instruction.Next], heights[instruction.X]);
            case Op.Call:
                return Within(heights[rules[instruction.X]], heights[instruction.Next]);
            case Op.Loop:
                var repeat = repeats[instruction.X];
                return repeat.Minimum == 0
                    ? heights[instruction.Next]
                    : Within(heights[repeat.Body], heights[instruction.Next]);
            default:
                return GrammarProgram.Unreachable;
        }
    }

    private static int Within(int inner, int next) =>
        Math.Min(GrammarProgram.Unreachable, Math.Max(inner + 1, next));

    private static UserTable Users(
        Instruction[] code, IReadOnlyList<int> rules, IReadOnlyList<Repeat> repeats)
    {
        var users = new UserTable(code.Length);
        for (var i = 0; i < code.Length; i++)
        {
            var instruction = code[i];
            if (instruction.Op is not (Op.End or Op.Fail))
            {
                users.Add(instruction.Next, i);
            }
            switch (instruction.Op)
            {
                case Op.Split:
                    users.Add(instruction.X, i);
                    break;
                case Op.Call:
                    users.Add(rules[instruction.X], i);
                    break;
                case Op.Loop:
                    users.Add(repeats[instruction.X].Body, i);
                    break;
            }
        }
        return users;
    }

    // Who leads to an instruction, as linked lists in two arrays.
    private sealed class UserTable(int count)
    {
        private readonly int[] _first = new int[count];
        private readonly List<(int User, int Next)> _links = [default];

        public void Add(int target, int user)
        {
            _links.Add((user, _first[target]));
            _first[target] = _links.Count - 1;
        }

        public void Wake(int target, Queue<int> work, bool[] isWaiting)
        {
            for (var link = _first[target]; link != 0; link = _links[link].Next)
            {
                var user = _links[link].User;
                if (!isWaiting[user])
                {
                    isWaiting[user] = true;
                    work.Enqueue(user);
                }
            }
        }
    }
}
