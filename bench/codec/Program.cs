using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Bench.Codec.Plain;
using Pod = Hanbae.Api.Core.V1.Pod;

namespace Hanbae.Bench.Codec;

/// <summary>Reads and writes a typical Pod with Hanbae's codecs and with System.Text.Json: <c>dotnet run -c Release --project bench/codec [-- seconds]</c>.</summary>
/// <remarks>
/// The two take turns in slices, and each one's best slice counts: that is what the code costs when nobody else has the processor.
/// </remarks>
static class Program
{
    const double Promise = 1.5;
    const int Slices = 60;

    static int Main(string[] args)
    {
        double seconds = args.Length > 0 ? double.Parse(args[0]) : 6;
        byte[] bytes = Pod.Info.ToJson(Pod.Info.Decode(Sample()));
        var pod = (Pod)Pod.Info.Decode(bytes);
        var plain = JsonSerializer.Deserialize(bytes, PlainJson.Default.Pod)!;
        // Both must hold all of it, or the comparison means nothing.
        Same(bytes, Pod.Info.ToJson(pod), allowZeros: false);
        // A DateTimeOffset of UTC is written with +00:00 there, with Z here.
        Same(bytes, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(plain, PlainJson.Default.Pod).Replace("+00:00", "Z", StringComparison.Ordinal)), allowZeros: true);
        byte[] proto = Pod.Info.ToProto(pod);

        Console.WriteLine($"a Pod of {bytes.Length:N0} bytes of JSON, {proto.Length:N0} of protobuf; {Environment.ProcessorCount} processors, .NET {Environment.Version}");
        Console.WriteLine($"{"",-8} {"Hanbae",24} {"System.Text.Json",26}   ratio");
        double read = Compare("decode", seconds, () => Pod.Info.Decode(bytes), () => JsonSerializer.Deserialize(bytes, PlainJson.Default.Pod));
        double write = Compare("encode", seconds, () => Pod.Info.ToJson(pod), () => JsonSerializer.SerializeToUtf8Bytes(plain, PlainJson.Default.Pod));
        Compare("kept", 0.5, () => Pod.Info.Decode(bytes), () => JsonSerializer.Deserialize(bytes, PlainJson.Default.Pod), kept: true);
        byte[] message = Envelope.Message(proto, out _).ToArray();
        Compare("protobuf", seconds / 4, () => Pod.Info.ReadProto(message), () => Pod.Info.ToProto(pod), names: "read / written");
        return read >= Promise && write >= Promise ? 0 : 1;
    }

    static double Compare(string what, double seconds, Func<object?> ours, Func<object?> theirs, bool kept = false, string names = "")
    {
        if (kept)
        {
            var (mine, other) = (Kept(ours), Kept(theirs));
            Console.WriteLine($"{what,-8} {mine,13:N0} B in memory {other,15:N0} B in memory   {other / (double)mine:F2}");
            return other / (double)mine;
        }
        var (a, b) = (double.MaxValue, double.MaxValue);
        for (int slice = 0; slice < Slices; slice++)
        {
            a = Math.Min(a, Nanoseconds(ours, seconds / 2 / Slices));
            b = Math.Min(b, Nanoseconds(theirs, seconds / 2 / Slices));
        }
        Console.WriteLine($"{what,-8} {a,9:N0} ns {Allocated(ours),9:N0} B {b,11:N0} ns {Allocated(theirs),9:N0} B   {b / a:F2} {names}");
        return b / a;
    }

    static double Nanoseconds(Func<object?> work, double seconds)
    {
        var (best, end) = (double.MaxValue, Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency));
        do
        {
            const int Times = 64;
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Times; i++) Keep(work());
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Times);
        } while (Stopwatch.GetTimestamp() < end);
        return best;
    }

    static long Allocated(Func<object?> work)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) Keep(work());
        return (GC.GetAllocatedBytesForCurrentThread() - before) / 100;
    }

    /// <summary>What one more decoded object costs while it is kept: shared strings count once for all.</summary>
    static long Kept(Func<object?> work)
    {
        const int Many = 10_000;
        object?[] all = new object?[Many];
        Keep(work());
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < Many; i++) all[i] = work();
        long after = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(all);
        return (after - before) / Many;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Keep(object? _) { }

    static byte[] Sample()
    {
        using var stream = typeof(Program).Assembly.GetManifestResourceStream("pod.json")!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    /// <param name="allowZeros">WhenWritingDefault leaves out zeros that Go's types write; a plain model cannot say which.</param>
    static void Same(byte[] wanted, byte[] got, bool allowZeros)
    {
        var (a, b) = (JsonValue.Parse(wanted), JsonValue.Parse(got));
        if (!(allowZeros ? WithoutZeros(a).Equals(WithoutZeros(b)) : a.Equals(b)))
            throw new InvalidOperationException($"the two models do not hold the same:\n{a}\n{b}");
    }

    static JsonValue WithoutZeros(JsonValue value) => value switch
    {
        JsonObject o => o.Members.Aggregate(o, (kept, member) => member.Value.ToString() is "0" or "false" or "null" ? kept.Without(member.Name) : kept.With(member.Name, WithoutZeros(member.Value))),
        JsonArray a => new JsonArray([.. a.Items.Select(WithoutZeros)]),
        _ => value,
    };
}
