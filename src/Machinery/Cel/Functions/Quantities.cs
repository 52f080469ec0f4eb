using Hanbae.Api;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Amounts of resources.</summary>
static class Quantities
{
    public const string Name = "kubernetes.Quantity";
    public static CelType Type { get; } = CelType.Object(Name, new Dictionary<string, CelType>());

    public sealed class Value(Quantity amount) : CelExtension
    {
        public Quantity Amount => amount;
        public override CelType Type => Quantities.Type;
        public override bool Same(CelExtension other) => amount.Equals(((Value)other).Amount);
    }

    public static void Add(FunctionList f)
    {
        var (text, whole, flag) = (CelType.String, CelType.Int, CelType.Bool);
        f.Global("quantity", "string_to_quantity", [text], Type, (x, _) => Parse(x[0], out var q, out string? error) ? new Value(q) : new CelError(error!));
        f.Global("isQuantity", "is_quantity_string", [text], flag, (x, run) => Parse(x[0], out _, out _));
        f.Global("sign", "quantity_sign", [Type], whole, (x, _) => (long)Q(x[0]).Sign);
        f.Member("isGreaterThan", "quantity_is_greater_than", [Type, Type], flag, (x, _) => Q(x[0]) > Q(x[1]));
        f.Member("isLessThan", "quantity_is_less_than", [Type, Type], flag, (x, _) => Q(x[0]) < Q(x[1]));
        f.Member("compareTo", "quantity_compare_to", [Type, Type], whole, (x, _) => (long)Math.Sign(Q(x[0]).CompareTo(Q(x[1]))));
        f.Member("asApproximateFloat", "quantity_get_float", [Type], CelType.Double, (x, _) => new CelDouble(Q(x[0]).ToDouble()));
        f.Member("asInteger", "quantity_get_int", [Type], whole, (x, _) => Q(x[0]).TryGetInt64(out long i) ? CelInt.Of(i) : new CelError("cannot convert value to integer"));
        f.Member("isInteger", "quantity_is_integer", [Type], flag, (x, run) => Q(x[0]).TryGetInt64(out _));
        f.Member("add", "quantity_add", [Type, Type], Type, (x, _) => new Value(Q(x[0]) + Q(x[1])));
        f.Member("add", "quantity_add_int", [Type, whole], Type, (x, _) => new Value(Q(x[0]) + Whole(x[1])));
        f.Member("sub", "quantity_sub", [Type, Type], Type, (x, _) => new Value(Q(x[0]) - Q(x[1])));
        f.Member("sub", "quantity_sub_int", [Type, whole], Type, (x, _) => new Value(Q(x[0]) - Whole(x[1])));
    }

    static Quantity Q(CelValue value) => ((Value)value).Amount;
    static Quantity Whole(CelValue value) => new(((CelInt)value).Value, QuantityFormat.DecimalExponent);
    static bool Parse(CelValue text, out Quantity quantity, out string? error) => Quantity.TryParse(((CelString)text).Value, out quantity, out error);
}
