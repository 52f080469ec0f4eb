using System.Runtime.CompilerServices;

namespace Hanbae.Machinery.Apply;

/// <summary>Spares creations the walk: what a new object's creator owns depends on which fields it has, and objects are created in series.</summary>
/// <remarks>
/// A shape is a document that was walked before. Another one is of that shape when it differs from it only in texts that have no list above
/// them, as names and labels do, and are not empty in either: a text that is there is owned whatever it says. What stands in a list may be its
/// item's key, and an empty text may be what a blank object has, so these have to be the same. Bound: the last four shapes of a type, of at
/// most 16 KiB.
/// </remarks>
sealed class CreatedShapes
{
    const int Most = 4, Longest = 16 << 10;
    static readonly ConditionalWeakTable<ApplyType, CreatedShapes> s_all = new();

    readonly Shape?[] _shapes = new Shape?[Most];
    int _next;

    public static CreatedShapes Of(ApplyType type) => s_all.GetValue(type, static _ => new());

    /// <summary>What the creator of such an object came to own; null when none like it was seen.</summary>
    public FieldSet? Find(ReadOnlySpan<byte> json, FieldWrite write)
    {
        foreach (var shape in _shapes)
            if (shape is not null && ReferenceEquals(shape.Write.Blank, write.Blank) && ReferenceEquals(shape.Write.Filter, write.Filter) && shape.Matches(json)) return shape.Owned;
        return null;
    }

    public void Add(byte[] json, FieldWrite write, FieldSet owned)
    {
        // Who writes again what a blank object says owns nothing by it; that is told apart only where all it says is its kind and version.
        if (json.Length > Longest || Texts(write.Blank).Length > 2) return;
        _shapes[(Interlocked.Increment(ref _next) & int.MaxValue) % Most] = new(json, Texts(json), write, owned);
    }

    /// <summary>Where the texts are that may differ, each without its quotes.</summary>
    static (int Start, int End)[] Texts(byte[] json)
    {
        var tape = new JsonTape(json);
        try
        {
            var found = new List<(int, int)>();
            Texts(tape, 0, found);
            return [.. found];
        }
        finally { tape.Dispose(); }
    }

    static void Texts(in JsonTape tape, int at, List<(int, int)> found)
    {
        for (int n = tape[at].Count, child = at + 1; n > 0; n--, child += tape[child].Size)
            switch ((char)tape.Kind(child))
            {
                case '{': Texts(tape, child, found); break;
                case '"' when tape[child].End - tape[child].Start > 2: found.Add((tape[child].Start + 1, tape[child].End - 1)); break;
            }
    }

    sealed class Shape(byte[] json, (int Start, int End)[] texts, FieldWrite write, FieldSet owned)
    {
        public FieldWrite Write => write;
        public FieldSet Owned => owned;

        public bool Matches(ReadOnlySpan<byte> other)
        {
            int from = 0;
            foreach (var (start, end) in texts)
            {
                // From the quote that ends the last text to the one that begins this.
                var same = json.AsSpan(from, start - from);
                if (!other.StartsWith(same)) return false;
                other = other[same.Length..];
                int length = Text(other);
                if (length <= 0) return false;
                other = other[length..];
                from = end;
            }
            return other.SequenceEqual(json.AsSpan(from));
        }

        /// <summary>How long the text is; -1 when it does not end.</summary>
        static int Text(ReadOnlySpan<byte> json)
        {
            for (int at = 0; at < json.Length; at += 2)
            {
                int step = json[at..].IndexOfAny((byte)'"', (byte)'\\');
                if (step < 0) return -1;
                at += step;
                if (json[at] == '"') return at;
            }
            return -1;
        }
    }
}
