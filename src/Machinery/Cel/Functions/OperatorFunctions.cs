using Hanbae.Machinery.Cel.Run;
using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Arithmetic, membership and what else is written with signs. Overflow is an error.</summary>
static class OperatorFunctions
{
    static readonly CelType Bool = CelType.Bool, Int = CelType.Int, Uint = CelType.Uint, Double = CelType.Double, Timestamp = CelType.Timestamp, Duration = CelType.Duration;

    public static void Add(FunctionList f)
    {
        var (a, list, map) = (FunctionList.A, FunctionList.ListOfA, FunctionList.MapOfAB);
        // Planned as steps of their own: these only say what may be written.
        f.Global(Operators.Conditional, "conditional", [Bool, a, a], a, Unplanned);
        f.Global(Operators.And, "logical_and", [Bool, Bool], Bool, Unplanned);
        f.Global(Operators.Or, "logical_or", [Bool, Bool], Bool, Unplanned);
        f.Global(Operators.Index, "index_list", [list, Int], a, Unplanned);
        f.Global(Operators.Index, "index_map", [map, a], FunctionList.B, Unplanned);

        f.Global(Operators.Not, "logical_not", [Bool], Bool, (x, _) => !((CelBool)x[0]).Value);
        f.Add((Operators.NotStrictlyFalse, new("not_strictly_false", false, [Bool], Bool, (x, _) => x[0] is CelBool b ? b : CelBool.True) { TakesErrors = true }));
        f.Global(Operators.In, "in_list", [a, list], Bool, (x, _) => Equality.Contains((CelList)x[1], x[0]));
        f.Global(Operators.In, "in_map", [a, map], Bool, (x, _) => ((CelMap)x[1]).Find(x[0]) is not null);

        f.Global(Operators.Add, "add_bytes", [CelType.Bytes, CelType.Bytes], CelType.Bytes, (x, _) => Concat((CelBytes)x[0], (CelBytes)x[1]));
        f.Global(Operators.Add, "add_double", [Double, Double], Double, (x, _) => new CelDouble(D(x[0]) + D(x[1])));
        f.Global(Operators.Add, "add_duration_duration", [Duration, Duration], Duration, (x, _) => Span((Int128)N(x[0]) + N(x[1])));
        f.Global(Operators.Add, "add_duration_timestamp", [Duration, Timestamp], Timestamp, (x, _) => ((CelTimestamp)x[1]).Add(N(x[0])));
        f.Global(Operators.Add, "add_timestamp_duration", [Timestamp, Duration], Timestamp, (x, _) => ((CelTimestamp)x[0]).Add(N(x[1])));
        f.Global(Operators.Add, "add_int64", [Int, Int], Int, (x, _) => Whole((Int128)I(x[0]) + I(x[1])));
        f.Global(Operators.Add, "add_list", [list, list], list, (x, _) => ((CelList)x[0]).Concat((CelList)x[1]));
        f.Global(Operators.Add, "add_string", [CelType.String, CelType.String], CelType.String, (x, _) => Concat(((CelString)x[0]).Value, ((CelString)x[1]).Value));
        f.Global(Operators.Add, "add_uint64", [Uint, Uint], Uint, (x, _) => Natural((Int128)U(x[0]) + U(x[1])));

        f.Global(Operators.Subtract, "subtract_double", [Double, Double], Double, (x, _) => new CelDouble(D(x[0]) - D(x[1])));
        f.Global(Operators.Subtract, "subtract_duration_duration", [Duration, Duration], Duration, (x, _) => Span((Int128)N(x[0]) - N(x[1])));
        f.Global(Operators.Subtract, "subtract_int64", [Int, Int], Int, (x, _) => Whole((Int128)I(x[0]) - I(x[1])));
        f.Global(Operators.Subtract, "subtract_timestamp_duration", [Timestamp, Duration], Timestamp, (x, _) => ((CelTimestamp)x[0]).Add(-(Int128)N(x[1])));
        f.Global(Operators.Subtract, "subtract_timestamp_timestamp", [Timestamp, Timestamp], Duration, (x, _) => ((CelTimestamp)x[0]).Subtract((CelTimestamp)x[1]));
        f.Global(Operators.Subtract, "subtract_uint64", [Uint, Uint], Uint, (x, _) => Natural((Int128)U(x[0]) - U(x[1])));

        f.Global(Operators.Multiply, "multiply_double", [Double, Double], Double, (x, _) => new CelDouble(D(x[0]) * D(x[1])));
        f.Global(Operators.Multiply, "multiply_int64", [Int, Int], Int, (x, _) => Whole((Int128)I(x[0]) * I(x[1])));
        f.Global(Operators.Multiply, "multiply_uint64", [Uint, Uint], Uint, (x, _) => (UInt128)U(x[0]) * U(x[1]) is var p && p <= ulong.MaxValue ? new CelUint((ulong)p) : CelError.UintOverflow);
        f.Global(Operators.Divide, "divide_double", [Double, Double], Double, (x, _) => new CelDouble(D(x[0]) / D(x[1])));
        f.Global(Operators.Divide, "divide_int64", [Int, Int], Int, (x, _) => I(x[1]) == 0 ? CelError.DivideByZero : Whole((Int128)I(x[0]) / I(x[1])));
        f.Global(Operators.Divide, "divide_uint64", [Uint, Uint], Uint, (x, _) => U(x[1]) == 0 ? CelError.DivideByZero : new CelUint(U(x[0]) / U(x[1])));
        f.Global(Operators.Modulo, "modulo_int64", [Int, Int], Int, (x, _) => I(x[1]) == 0 ? CelError.ModulusByZero
            : I(x[0]) == long.MinValue && I(x[1]) == -1 ? CelError.IntOverflow : CelInt.Of(I(x[0]) % I(x[1])));
        f.Global(Operators.Modulo, "modulo_uint64", [Uint, Uint], Uint, (x, _) => U(x[1]) == 0 ? CelError.ModulusByZero : new CelUint(U(x[0]) % U(x[1])));
        f.Global(Operators.Negate, "negate_double", [Double], Double, (x, _) => new CelDouble(-D(x[0])));
        f.Global(Operators.Negate, "negate_int64", [Int], Int, (x, _) => Whole(-(Int128)I(x[0])));
    }

    static CelValue Unplanned(ReadOnlySpan<CelValue> args, Evaluation run) => CelError.NoSuchOverload;

    static long I(CelValue v) => ((CelInt)v).Value;
    static ulong U(CelValue v) => ((CelUint)v).Value;
    static double D(CelValue v) => ((CelDouble)v).Value;
    static long N(CelValue v) => ((CelDuration)v).Nanoseconds;

    static CelValue Whole(Int128 value) => value < long.MinValue || value > long.MaxValue ? CelError.IntOverflow : CelInt.Of((long)value);
    static CelValue Natural(Int128 value) => value < 0 || value > ulong.MaxValue ? CelError.UintOverflow : new CelUint((ulong)value);
    static CelValue Span(Int128 value) => value < long.MinValue || value > long.MaxValue ? CelError.DurationOverflow : new CelDuration((long)value);

    static CelValue Concat(string a, string b) => a.Length + (long)b.Length > CelLimits.MaxProduct ? CelError.TooLarge : new CelString(a + b);

    static CelValue Concat(CelBytes a, CelBytes b) =>
        a.Value.Length + (long)b.Value.Length > CelLimits.MaxProduct ? CelError.TooLarge : new CelBytes((byte[])[.. a.Value.Span, .. b.Value.Span]);
}
