using System.Globalization;
using System.Numerics;

namespace Hanbae.Machinery.Schedule;

/// <summary>One field of a schedule: which of at most 60 values it allows.</summary>
/// <param name="IsStar">It allows all, and says nothing: matters to the day fields, of which either may match when both say something.</param>
readonly record struct CronField(ulong Bits, bool IsStar)
{
    static readonly string[] Months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    static readonly string[] Days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    public bool Allows(int value) => (Bits & 1UL << value) != 0;

    public static CronField Minute(string text) => Parse(text, 0, 59, []);
    public static CronField Hour(string text) => Parse(text, 0, 23, []);
    public static CronField DayOfMonth(string text) => Parse(text, 1, 31, []);
    public static CronField Month(string text) => Parse(text, 1, 12, Months);
    public static CronField DayOfWeek(string text) => Parse(text, 0, 6, Days);

    static CronField Parse(string text, int min, int max, string[] names)
    {
        var all = new CronField(0, false);
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var one = Range(part, min, max, names);
            all = new(all.Bits | one.Bits, all.IsStar || one.IsStar);
        }
        return all.Bits != 0 ? all : throw new FormatException($"no values in {text}");
    }

    /// <summary><c>*</c>, <c>?</c>, a value or a range, and how many steps at a time; a value with a step goes on to the end.</summary>
    static CronField Range(string text, int min, int max, string[] names)
    {
        string[] rangeAndStep = text.Split('/'), ends = rangeAndStep[0].Split('-');
        if (rangeAndStep.Length > 2) throw new FormatException("too many slashes: " + text);
        if (ends.Length > 2) throw new FormatException("too many hyphens: " + text);
        bool star = rangeAndStep[0] is "*" or "?", hasStep = rangeAndStep.Length == 2;
        int first = star ? min : Value(ends[0], names), last = star ? max : ends.Length == 2 ? Value(ends[1], names) : hasStep ? max : first;
        int step = hasStep ? Number(rangeAndStep[1]) : 1;
        if (first < min) throw new FormatException($"beginning of range ({first}) below minimum ({min}): {text}");
        if (last > max) throw new FormatException($"end of range ({last}) above maximum ({max}): {text}");
        if (first > last) throw new FormatException($"beginning of range ({first}) beyond end of range ({last}): {text}");
        if (step == 0) throw new FormatException("step of range should be a positive number: " + text);
        ulong bits = 0;
        for (int i = first; i <= last; i += step) bits |= 1UL << i;
        return new(bits, star && step == 1);
    }

    static int Value(string text, string[] names)
    {
        int name = Array.IndexOf(names, text.ToLowerInvariant());
        // Months are counted from one, days from Sunday.
        return name < 0 ? Number(text) : names == Months ? name + 1 : name;
    }

    static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new FormatException($"failed to parse int from {text}");

    public override string ToString() => $"{BitOperations.PopCount(Bits)} values";
}
