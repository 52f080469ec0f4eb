using Google.Protobuf.WellKnownTypes;
using Hanbae.Grpc.Server;

namespace Hanbae.Grpc.Tests;

/// <summary>A service of the four kinds of calls, on protobuf's own wrapper messages.</summary>
static class Echo
{
    public static readonly GrpcMethod<StringValue, StringValue> Say = new("test.Echo", "Say", StringValue.Parser, StringValue.Parser);
    public static readonly GrpcMethod<Int32Value, Int32Value> Count = new("test.Echo", "Count", Int32Value.Parser, Int32Value.Parser);
    public static readonly GrpcMethod<Int32Value, Int32Value> Sum = new("test.Echo", "Sum", Int32Value.Parser, Int32Value.Parser);
    public static readonly GrpcMethod<StringValue, StringValue> Talk = new("test.Echo", "Talk", StringValue.Parser, StringValue.Parser);
    public static readonly GrpcMethod<StringValue, StringValue> Fail = new("test.Echo", "Fail", StringValue.Parser, StringValue.Parser);
    public static readonly GrpcMethod<StringValue, StringValue> Hang = new("test.Echo", "Hang", StringValue.Parser, StringValue.Parser);
    public static readonly GrpcMethod<StringValue, StringValue> Absent = new("test.Echo", "Absent", StringValue.Parser, StringValue.Parser);
    public static readonly GrpcMethod<StringValue, StringValue> Elsewhere = new("test.Else", "Where", StringValue.Parser, StringValue.Parser);

    public static GrpcService Service(TaskCompletionSource? hung = null, TaskCompletionSource? released = null) => new GrpcService()
        .Unary(Say, (request, _) => Task.FromResult(request))
        .ServerStream(Count, (upTo, _) => Numbers(upTo.Value))
        .ClientStream(Sum, async (numbers, _) =>
        {
            int sum = 0;
            await foreach (var n in numbers) sum += n.Value;
            return new Int32Value { Value = sum };
        })
        .Duplex(Talk, (lines, _) => Shout(lines))
        .Unary(Fail, (request, _) => request.Value switch
        {
            "plain" => throw new InvalidOperationException("something broke"),
            _ => throw new GrpcException(GrpcStatus.NotFound, request.Value),
        })
        .Unary(Hang, async (_, ct) =>
        {
            hung?.TrySetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, ct);
            }
            finally
            {
                released?.TrySetResult();
            }
            return new StringValue();
        });

    static async IAsyncEnumerable<Int32Value> Numbers(int upTo)
    {
        for (int i = 1; i <= Math.Abs(upTo); i++)
        {
            yield return new Int32Value { Value = i };
            await Task.Yield();
        }
        if (upTo < 0) throw new GrpcException(GrpcStatus.DataLoss, "ran out");
    }

    static async IAsyncEnumerable<StringValue> Shout(IAsyncEnumerable<StringValue> lines)
    {
        await foreach (var line in lines) yield return new StringValue { Value = line.Value.ToUpperInvariant() };
    }
}
