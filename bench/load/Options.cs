using System.Globalization;

namespace Hanbae.Bench.Load;

/// <summary>What is asked on the command line.</summary>
sealed record Options(string Kubeconfig, int[] Pids, string[] Ops)
{
    public int Pods { get; init; } = 10_000;
    /// <summary>Requests on their way at once.</summary>
    public int Conc { get; init; } = 16;
    public int Gets { get; init; } = 20_000;
    public int Lists { get; init; } = 20;
    public int Watchers { get; init; } = 200;
    /// <summary>Writes that watchers see.</summary>
    public int Updates { get; init; } = 500;
    public int Nodes { get; init; } = 5_000;
    public string Namespace { get; init; } = "load";

    public static Options Of(string[] args)
    {
        // The last of equal ones stands.
        var given = new Dictionary<string, string>();
        foreach (string[] pair in args.Chunk(2)) given[pair[0].TrimStart('-')] = pair[1];
        int Number(string name, int otherwise) => given.TryGetValue(name, out string? value) ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;
        string[] List(string name) => given.GetValueOrDefault(name, "").Split(',', StringSplitOptions.RemoveEmptyEntries);
        var d = new Options(given["kubeconfig"], [.. List("pids").Select(p => int.Parse(p, CultureInfo.InvariantCulture))], List("ops"));
        return d with
        {
            Pods = Number("pods", d.Pods), Conc = Number("conc", d.Conc), Gets = Number("gets", d.Gets), Lists = Number("lists", d.Lists), Watchers = Number("watchers", d.Watchers),
            Updates = Number("updates", d.Updates), Nodes = Number("nodes", d.Nodes), Namespace = given.GetValueOrDefault("namespace", d.Namespace),
        };
    }
}
