using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Text;
using Hanbae.Dns.Wire;
using Record = Hanbae.Dns.Wire.Record;

namespace Hanbae.Dns.Tests.Wire;

/// <summary>What goes over the wire is what was meant, and what comes from there is never trusted.</summary>
public sealed class WireTests
{
    static readonly byte[] Plain = Asked("Web.Shop.svc", RecordType.A);

    [Fact]
    public void A_query_is_read_as_it_was_asked()
    {
        var query = DnsReader.Read(Plain)!;
        Assert.Equal((0x1234, true, 512, false), (query.Id, query.RecursionDesired, query.MaxBytes, query.Edns));
        Assert.Equal(new("web.shop.svc", "Web.Shop.svc", RecordType.A), query.Question);
    }

    [Theory]
    [InlineData(100, 512)]
    [InlineData(1232, 1232)]
    [InlineData(65535, 4096)]
    public void The_size_that_EDNS_offers_is_taken_within_bounds(int offered, int taken)
    {
        var query = DnsReader.Read(Asked("a.b", RecordType.A, edns: offered))!;
        Assert.Equal((true, taken), (query.Edns, query.MaxBytes));
    }

    [Fact]
    public void Records_come_back_as_they_were_written()
    {
        ImmutableArray<Record> records =
        [
            new("web.shop.svc", RecordType.Cname, 5, new RecordData.Alias("deep.web.shop.svc")),
            new("deep.web.shop.svc", RecordType.A, 30, new RecordData.Address(IPAddress.Parse("10.0.0.1"))),
            new("deep.web.shop.svc", RecordType.Aaaa, 30, new RecordData.Address(IPAddress.Parse("fd00::1"))),
        ];
        byte[] bytes = DnsWriter.Write(DnsReader.Read(Plain)!, Answer.Of(records), 512);
        var (code, read) = DnsReader.ReadAnswer(bytes)!.Value;
        Assert.Equal(ResponseCode.NoError, code);
        // The name that was asked for comes back with the asker's capitals.
        Assert.Equal([.. records.SetItem(0, records[0] with { Name = "Web.Shop.svc" })], read.ToArray());
    }

    [Fact]
    public void A_name_that_was_written_before_is_only_pointed_to()
    {
        byte[] bytes = DnsWriter.Write(DnsReader.Read(Plain)!, Answer.Of(new Record("web.shop.svc", RecordType.A, 5, new RecordData.Address(IPAddress.Loopback))), 512);
        Assert.Equal(Plain.Length + 2 + 10 + 4, bytes.Length);
        Assert.Equal(0xC00C, BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(Plain.Length)));
    }

    [Fact]
    public void A_dot_inside_of_a_label_stays_inside()
    {
        byte[] asked = [.. Plain[..12], 3, (byte)'a', (byte)'.', (byte)'b', 1, (byte)'.', 0, 0, 1, 0, 1];
        byte[] answered = DnsWriter.Write(DnsReader.Read(asked)!, Answer.Fail(ResponseCode.NameError), 512);
        Assert.Equal(asked[12..], answered[12..]);
    }

    [Theory]
    [InlineData(0, 512)]
    [InlineData(1232, 1232)]
    public void What_does_not_fit_is_cut_between_records_and_says_so(int edns, int limit)
    {
        var query = DnsReader.Read(Asked("db.shop.svc", RecordType.A, edns: edns))!;
        var many = Enumerable.Range(0, 200).Select(i => new Record("db.shop.svc", RecordType.A, 5, new RecordData.Address(new IPAddress([10, 0, 0, (byte)i])))).ToImmutableArray();
        byte[] bytes = DnsWriter.Write(query, Answer.Of(many), query.MaxBytes);
        Assert.InRange(bytes.Length, limit - 60, limit);
        Assert.NotEqual(0, bytes[2] & 0x02);
        int written = DnsReader.ReadAnswer(bytes)!.Value.Records.Length;
        Assert.Equal(BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(6)), written);
        Assert.Equal(edns > 0 ? 1 : 0, BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(10)));
        byte[] whole = DnsWriter.Write(query, Answer.Of(many), ushort.MaxValue);
        Assert.Equal(0, whole[2] & 0x02);
        Assert.Equal(200, DnsReader.ReadAnswer(whole)!.Value.Records.Length);
    }

    [Fact]
    public void Additional_records_that_do_not_fit_are_left_out_silently()
    {
        var query = DnsReader.Read(Plain)!;
        var one = new Record("web.shop.svc", RecordType.A, 5, new RecordData.Address(IPAddress.Loopback));
        byte[] bytes = DnsWriter.Write(query, Answer.Of(one) with { Additional = [.. Enumerable.Repeat(one, 100)] }, 512);
        Assert.Equal(0, bytes[2] & 0x02);
        Assert.InRange(bytes.Length, 450, 512);
    }

    [Fact]
    public void Compression_that_points_to_itself_or_ahead_is_no_name()
    {
        Assert.Null(DnsReader.Read([.. Plain[..12], 0xC0, 12, 0, 1, 0, 1]));
        Assert.Null(DnsReader.Read([.. Plain[..12], 0xC0, 14, 0xC0, 12, 0, 1, 0, 1]));
        Assert.Null(DnsReader.Read([.. Plain[..12], 1, (byte)'a', 0xC0, 12, 0, 1, 0, 1]));
    }

    [Fact]
    public void A_name_of_more_than_255_bytes_is_none()
    {
        byte[] label = [63, .. Enumerable.Repeat((byte)'a', 63)];
        Assert.Null(DnsReader.Read([.. Plain[..12], .. label, .. label, .. label, .. label, 0, 0, 1, 0, 1]));
        Assert.NotNull(DnsReader.Read([.. Plain[..12], .. label, .. label, .. label, 0, 0, 1, 0, 1]));
    }

    [Fact]
    public void Answers_and_other_operations_are_no_queries()
    {
        byte[] response = [.. Plain], update = [.. Plain];
        response[2] |= 0x80;
        update[2] |= 0x28;
        Assert.Null(DnsReader.Read(response));
        Assert.Null(DnsReader.Read(update));
    }

    [Fact]
    public void Whatever_comes_in_it_ends_and_whatever_is_read_can_be_answered()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        byte[] good = Asked("_http._tcp.web.shop.svc.cluster.local", RecordType.Srv, edns: 1232);
        try
        {
            for (int round = 0; round < 20_000; round++)
            {
                byte[] bytes = [.. good];
                for (int flips = random.Next(1, 6); flips > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                if (random.Next(3) == 0) bytes = bytes[..random.Next(bytes.Length)];
                DnsReader.ReadAnswer(bytes);
                if (DnsReader.Read(bytes) is not { } query) continue;
                byte[] answer = DnsWriter.Write(query, Answer.Of(new Record(query.Question.Name, RecordType.A, 5, new RecordData.Address(IPAddress.Loopback))), query.MaxBytes);
                Assert.NotNull(DnsReader.ReadAnswer(answer));
            }
        }
        catch (Exception e) { throw new InvalidOperationException($"seed {seed}", e); }
    }

    internal static byte[] Asked(string name, RecordType type, int edns = 0)
    {
        List<byte> bytes = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, (byte)(edns > 0 ? 1 : 0)];
        foreach (string label in name.Split('.')) { bytes.Add((byte)label.Length); bytes.AddRange(Encoding.Latin1.GetBytes(label)); }
        bytes.AddRange([0, (byte)((int)type >> 8), (byte)type, 0, 1]);
        if (edns > 0) bytes.AddRange([0, 0, 41, (byte)(edns >> 8), (byte)edns, 0, 0, 0, 0, 0, 0]);
        return [.. bytes];
    }
}
