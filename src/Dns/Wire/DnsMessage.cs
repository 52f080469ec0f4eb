using System.Collections.Immutable;

namespace Hanbae.Dns.Wire;

/// <summary>Types of records that this server speaks of.</summary>
internal enum RecordType : ushort { A = 1, Ns = 2, Cname = 5, Soa = 6, Ptr = 12, Txt = 16, Aaaa = 28, Srv = 33, Opt = 41, Any = 255 }

internal enum ResponseCode : byte { NoError = 0, FormatError = 1, ServerFailure = 2, NameError = 3, NotImplemented = 4, Refused = 5 }

/// <summary>A question: name in lower case without the last dot, as asked in <paramref name="AsAsked"/>.</summary>
internal readonly record struct Question(string Name, string AsAsked, RecordType Type);

/// <summary>One record of an answer.</summary>
internal readonly record struct Record(string Name, RecordType Type, uint Ttl, RecordData Data);

/// <summary>What a record says; each kind writes itself.</summary>
internal abstract record RecordData
{
    public sealed record Address(System.Net.IPAddress Value) : RecordData;
    public sealed record Alias(string Name) : RecordData;
    public sealed record Service(ushort Priority, ushort Weight, ushort Port, string Target) : RecordData;
    public sealed record Text(string Value) : RecordData;
    public sealed record Authority(string Server, string Mailbox, uint Serial, uint NegativeTtl) : RecordData;
}

/// <summary>A query as far as it matters.</summary>
/// <param name="MaxBytes">What the asker can take in one datagram (EDNS0), 512 if it did not say.</param>
internal sealed record Query(ushort Id, bool RecursionDesired, Question Question, int MaxBytes, bool Edns);

/// <summary>An answer before it is written.</summary>
internal sealed record Answer(ResponseCode Code, ImmutableArray<Record> Records, ImmutableArray<Record> Authority, ImmutableArray<Record> Additional)
{
    public static Answer Of(params ImmutableArray<Record> records) => new(ResponseCode.NoError, records, [], []);
    public static Answer Fail(ResponseCode code) => new(code, [], [], []);
}
