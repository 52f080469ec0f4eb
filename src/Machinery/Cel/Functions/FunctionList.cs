using Hanbae.Machinery.Cel.Check;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Collects the overloads of a library.</summary>
sealed class FunctionList : List<(string Name, Overload Overload)>
{
    public static CelType A { get; } = CelType.Parameter("A");
    public static CelType B { get; } = CelType.Parameter("B");
    public static CelType ListOfA { get; } = CelType.List(A);
    public static CelType MapOfAB { get; } = CelType.Map(A, B);

    /// <summary><c>f(x)</c>.</summary>
    public void Global(string name, string id, CelType[] args, CelType result, Implementation run) => Add((name, new(id, member: false, [.. args], result, run)));

    /// <summary><c>x.f()</c>.</summary>
    public void Member(string name, string id, CelType[] args, CelType result, Implementation run) => Add((name, new(id, member: true, [.. args], result, run)));
}
