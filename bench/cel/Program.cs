using System.Diagnostics;
using Hanbae.Api.Json;
using Hanbae.Machinery.Cel;

namespace Hanbae.Bench.Cel;

/// <summary>Compiles and evaluates typical rules: <c>dotnet run -c Release --project bench/cel [-- seconds]</c>.</summary>
/// <remarks>The best slice of many counts: what the code costs when nobody else has the processor.</remarks>
static class Program
{
    static readonly (string Name, string Rule)[] s_rules =
    [
        ("bound", "self.spec.minReplicas <= self.spec.replicas && self.spec.replicas <= self.spec.maxReplicas"),
        ("labels", "!has(self.metadata.labels) || self.metadata.labels.all(k, k.startsWith('example.com/') && self.metadata.labels[k].size() < 64)"),
        ("images", "self.spec.containers.all(c, c.image.matches('^registry[.]example[.]com/[a-z0-9/-]+:[0-9.]+$') && has(c.limits) && quantity(c.limits.memory).compareTo(quantity('1Gi')) <= 0)"),
    ];

    static void Main(string[] args)
    {
        double seconds = args.Length > 0 ? double.Parse(args[0]) : 2;
        var container = CelSchema.Object(new("name", () => CelSchema.String), new("image", () => CelSchema.String), new CelProperty("limits", () => CelSchema.Map(CelSchema.String)));
        var schema = new CelSchema(CelSchemaKind.Object)
        {
            IsResource = true,
            Properties =
            [
                new("metadata", () => CelSchema.Object(new("name", () => CelSchema.String), new CelProperty("labels", () => CelSchema.Map(CelSchema.String)))),
                new("spec", () => CelSchema.Object(new("minReplicas", () => CelSchema.Integer), new("replicas", () => CelSchema.Integer), new("maxReplicas", () => CelSchema.Integer),
                    new CelProperty("containers", () => CelSchema.List(container, CelListType.Map, "name")))),
            ],
        };
        var json = JsonValue.Parse("""
            {"apiVersion":"example.com/v1","kind":"App","metadata":{"name":"a","labels":{"example.com/a":"1","example.com/b":"2","example.com/c":"3"}},
             "spec":{"minReplicas":1,"replicas":2,"maxReplicas":3,"containers":[
              {"name":"a","image":"registry.example.com/team/a:1.2.3","limits":{"memory":"512Mi"}},{"name":"b","image":"registry.example.com/team/b:1.2.3","limits":{"memory":"1Gi"}}]}}
            """);
        var env = CelEnvironment.Kubernetes.WithVariable("self", schema, "self");
        var values = new CelActivation(("self", CelJson.Wrap(json, schema)));
        Console.WriteLine($"{Environment.ProcessorCount} processors, .NET {Environment.Version}");
        Console.WriteLine($"{"rule",-8} {"compile",12} {"allocates",12} {"evaluate",12} {"allocates",12} {"cost",6} {"estimate",12}");
        foreach (var (name, rule) in s_rules)
        {
            var program = env.Compile(rule);
            if (program.Error is not null) throw new InvalidOperationException(program.Error);
            var result = program.Evaluate(values, CancellationToken.None);
            if (result.Value is not CelBool { Value: true }) throw new InvalidOperationException(result.Error ?? "the rule does not hold");
            var compile = Measure(seconds, 32, () => env.Compile(rule));
            var evaluate = Measure(seconds, 1024, () => program.Evaluate(values, CancellationToken.None).Value!);
            Console.WriteLine($"{name,-8} {compile.Nanoseconds / 1000,9:N1} µs {compile.Bytes,10:N0} B {evaluate.Nanoseconds,9:N0} ns {evaluate.Bytes,10:N0} B {result.Cost,6} {program.Cost.Max,12}");
        }
    }

    static (double Nanoseconds, long Bytes) Measure(double seconds, int times, Func<object> work)
    {
        var (best, end) = (double.MaxValue, Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency));
        do
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < times; i++) GC.KeepAlive(work());
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / times);
        } while (Stopwatch.GetTimestamp() < end);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) GC.KeepAlive(work());
        return (best, (GC.GetAllocatedBytesForCurrentThread() - before) / 100);
    }
}
