using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net.Sockets;
using System.Text;

namespace Hanbae.Dns.Wire;

/// <summary>Writes answers, names compressed; what does not fit is cut, and the asker told to come back over TCP.</summary>
internal sealed class DnsWriter
{
    const int PayloadAdvertised = 1232;

    readonly byte[] _b;
    readonly Question _question;
    readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    int _i = 12;

    DnsWriter(Question question, int limit) => (_question, _b) = (question, new byte[limit]);

    /// <summary>A question of our own to another server.</summary>
    public static byte[] Ask(string name, RecordType type)
    {
        var question = new Question(name, name, type);
        byte[] message = Write(new(0, true, question, 0, true), Answer.Fail(ResponseCode.NoError), 512);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), 0x0100);
        return message;
    }

    /// <param name="limit">Bytes that the answer may have.</param>
    public static byte[] Write(Query query, Answer answer, int limit)
    {
        var writer = new DnsWriter(query.Question, limit);
        return writer.Message(query, answer);
    }

    byte[] Message(Query query, Answer answer)
    {
        // Room for OPT is kept, so that it always fits.
        int room = _b.Length - (query.Edns ? 11 : 0);
        Name(query.Question.AsAsked);
        Number((ushort)query.Question.Type);
        Number(1);
        bool cut = false;
        int answers = Records(answer.Records, room, ref cut), authority = Records(answer.Authority, room, ref cut);
        bool more = cut;
        int additional = Records(answer.Additional, room, ref more);
        if (query.Edns)
        {
            _b[_i++] = 0;
            Number((ushort)RecordType.Opt);
            Number(PayloadAdvertised);
            _i += 6;
            additional++;
        }
        BinaryPrimitives.WriteUInt16BigEndian(_b, query.Id);
        // Response, authoritative, recursion available.
        int flags = 0x8480 | (cut ? 0x0200 : 0) | (query.RecursionDesired ? 0x0100 : 0) | (int)answer.Code;
        BinaryPrimitives.WriteUInt16BigEndian(_b.AsSpan(2), (ushort)flags);
        BinaryPrimitives.WriteUInt16BigEndian(_b.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16BigEndian(_b.AsSpan(6), (ushort)answers);
        BinaryPrimitives.WriteUInt16BigEndian(_b.AsSpan(8), (ushort)authority);
        BinaryPrimitives.WriteUInt16BigEndian(_b.AsSpan(10), (ushort)additional);
        return _b[.._i];
    }

    int Records(ImmutableArray<Record> records, int room, ref bool cut)
    {
        int written = 0;
        foreach (var record in records)
        {
            int before = _i;
            // A bound that no record of ours exceeds: names of 255 bytes, texts of 255.
            if (cut || _i + 2 * 255 + 24 > room && !Fits(record, room)) { cut = true; _i = before; break; }
            One(record);
            written++;
        }
        return written;
    }

    /// <summary>Near the end of the room: measured by the length without compression.</summary>
    bool Fits(Record record, int room) => _i + record.Name.Length + 2 + 10 + record.Data switch
    {
        RecordData.Address { Value.AddressFamily: AddressFamily.InterNetwork } => 4,
        RecordData.Address => 16,
        RecordData.Alias t => t.Name.Length + 2,
        RecordData.Service s => s.Target.Length + 8,
        RecordData.Text t => t.Value.Length + 1,
        RecordData.Authority a => a.Server.Length + a.Mailbox.Length + 24,
        _ => int.MaxValue / 2,
    } <= room;

    void One(Record record)
    {
        // What was asked for is named as it was asked, capitals and all: some resolvers insist (and it compresses).
        Name(record.Name == _question.Name ? _question.AsAsked : record.Name);
        Number((ushort)record.Type);
        Number(1);
        BinaryPrimitives.WriteUInt32BigEndian(_b.AsSpan(_i), record.Ttl);
        _i += 6;
        int start = _i;
        switch (record.Data)
        {
            case RecordData.Address a:
                a.Value.TryWriteBytes(_b.AsSpan(_i), out int bytes);
                _i += bytes;
                break;
            case RecordData.Alias t: Name(t.Name); break;
            case RecordData.Service s:
                Number(s.Priority);
                Number(s.Weight);
                Number(s.Port);
                // RFC 2782: the target of SRV is not compressed.
                Name(s.Target, compress: false);
                break;
            case RecordData.Text t:
                _b[_i++] = (byte)t.Value.Length;
                _i += Encoding.ASCII.GetBytes(t.Value, _b.AsSpan(_i));
                break;
            case RecordData.Authority a:
                Name(a.Server);
                Name(a.Mailbox);
                foreach (uint value in new[] { a.Serial, 7200u, 1800u, 86400u, a.NegativeTtl })
                {
                    BinaryPrimitives.WriteUInt32BigEndian(_b.AsSpan(_i), value);
                    _i += 4;
                }
                break;
        }
        BinaryPrimitives.WriteUInt16BigEndian(_b.AsSpan(start - 2), (ushort)(_i - start));
    }

    void Name(string name, bool compress = true)
    {
        while (name.Length > 0)
        {
            if (compress && _names.TryGetValue(name, out int at)) { Number((ushort)(0xC000 | at)); return; }
            if (_i < 0x3FFF) _names.TryAdd(name, _i);
            int dot = name.IndexOf('.', StringComparison.Ordinal);
            string label = dot < 0 ? name : name[..dot];
            _b[_i++] = (byte)label.Length;
            foreach (char c in label) _b[_i++] = c == DnsReader.InnerDot ? (byte)'.' : (byte)c;
            name = dot < 0 ? "" : name[(dot + 1)..];
        }
        _b[_i++] = 0;
    }

    void Number(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_b.AsSpan(_i), value);
        _i += 2;
    }
}
