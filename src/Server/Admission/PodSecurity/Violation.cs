namespace Hanbae.Server.Admission.PodSecurity;

/// <summary>What a check has against a Pod.</summary>
/// <param name="Reason">In a word or two.</param>
/// <param name="Detail">Which containers, and what they should say.</param>
readonly record struct Violation(string Reason, string Detail);

/// <summary>The words that checks share.</summary>
static class Violations
{
    public static string Quoted(IEnumerable<string> names) => string.Join(", ", names.Select(n => $"\"{n}\""));

    public static string Plural(string one, int count) => count == 1 ? one : one + "s";

    /// <summary><c>container "a"</c>, <c>containers "a", "b"</c>.</summary>
    public static string Containers(IReadOnlyCollection<string> names) => $"{Plural("container", names.Count)} {Quoted(names)}";

    /// <summary><c>pod and container "a"</c>.</summary>
    public static string Setters(bool pod, IReadOnlyCollection<string> containers) =>
        pod ? containers.Count > 0 ? "pod and " + Containers(containers) : "pod" : Containers(containers);

    public static IEnumerable<string> Sorted(this IEnumerable<string> values) => values.Distinct().Order(StringComparer.Ordinal);
}
